"""Pressure: for how much of the time tasks wait for a resource. accounting/psi.rst (Linux 4.20)."""

from __future__ import annotations

from nsview.kernel.cgroup_format import TEXTS_REMEMBERED, parse_nested
from nsview.light import lru_cache
from nsview.named_tuple import NamedTuple


class Stall(NamedTuple):
    """Per cent of the last 10, 60 and 300 seconds, and microseconds in all."""

    avg10: float = 0.0
    avg60: float = 0.0
    avg300: float = 0.0
    total: int = 0


class Pressure(NamedTuple):
    """Of one resource."""

    some: Stall
    """While at least one task waited."""
    full: Stall | None
    """While all that were not idle waited at once; not told for the processor before 5.13."""


@lru_cache(maxsize=TEXTS_REMEMBERED)
def parse_pressure(data: bytes) -> Pressure | None:
    """cpu.pressure and the like; None when there is no such line in it."""
    lines = parse_nested(data)
    try:
        stalls = {name: _stall(pairs) for name, pairs in lines.items()}
    except (KeyError, ValueError):
        return None
    return Pressure(stalls["some"], stalls.get("full")) if "some" in stalls else None


def _stall(pairs: dict[str, str]) -> Stall:
    return Stall(
        avg10=float(pairs["avg10"]),
        avg60=float(pairs["avg60"]),
        avg300=float(pairs["avg300"]),
        total=int(pairs["total"]),
    )
