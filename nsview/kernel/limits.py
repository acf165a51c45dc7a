"""/proc/PID/limits: resource limits. getrlimit(2), proc_pid_limits(5)."""

from __future__ import annotations

from nsview.named_tuple import NamedTuple

#: fs/proc/base.c:proc_pid_limits prints "%-25s %-20s %-20s %-10s": names contain spaces.
_NAME, _SOFT, _HARD = slice(0, 25), slice(26, 46), slice(47, 67)
_UNITS_AT = 68


class Limit(NamedTuple):
    """One limit; None is unlimited."""

    name: str
    soft: int | None
    hard: int | None
    units: str


def parse_limits(data: bytes) -> tuple[Limit, ...]:
    """Parse the table below its heading; raises ValueError when torn."""
    return tuple(
        Limit(
            name=line[_NAME].strip(),
            soft=_value(line[_SOFT]),
            hard=_value(line[_HARD]),
            units=line[_UNITS_AT:].strip(),
        )
        for line in data.decode("ascii", "replace").split("\n")[1:]
        if line.strip()
    )


def _value(text: str) -> int | None:
    text = text.strip()
    return None if text == "unlimited" else int(text)
