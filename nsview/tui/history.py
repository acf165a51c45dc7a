"""What containers used in the last minutes: figures of past snapshots, a number each."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from nsview.host.model import Container, Snapshot
from nsview.host.resources import Resources

Figure = Literal["cpu", "memory", "io", "cpu waits", "memory waits", "io waits"]
"""Per cent of a processor, bytes, bytes a second both ways; per cent of ten seconds."""

#: Five minutes of a look every two seconds.
LONGEST: Final = 150
#: Nobody sees more of a container that is not opened; of hundreds, that is worth having.
UNKNOWN: Final = math.nan


class History:
    """The UI's own, for its thread alone."""

    def __init__(self) -> None:
        self._values: dict[str, dict[Figure, array[float]]] = {}
        self._last: dict[str, Resources] = {}

    def add(self, snapshot: Snapshot) -> None:
        """Remember a snapshot; what it has only repeated from the one before is no news."""
        resources = snapshot.resources
        for ref, now in resources.items():
            if self._last.get(ref) is not now:
                values = self._values.setdefault(ref, {})
                for figure, value in _figures(now):
                    _append(values.setdefault(figure, array("f")), value)
        self._values = {ref: v for ref, v in self._values.items() if ref in resources}
        self._last = dict(resources)

    def values(self, ref: str, figure: Figure) -> Sequence[float]:
        """Oldest first, at most `LONGEST`; NaN where nothing was known."""
        return self._values.get(ref, {}).get(figure, ())

    def sums(self, containers: Sequence[Container], figure: Figure) -> list[float]:
        """Those of several containers, added up; they begin when the oldest of them does."""
        columns = [self.values(one.ref, figure)[::-1] for one in containers]
        longest = max(map(len, columns), default=0)
        known = ([one[at] for one in columns if at < len(one)] for at in range(longest))
        return [sum(v for v in values if v == v) for values in known][::-1]


def _append(values: array[float], value: float | None) -> None:
    values.append(UNKNOWN if value is None else value)
    if len(values) > LONGEST:
        del values[0]


def _figures(now: Resources) -> Iterator[tuple[Figure, float | None]]:
    yield "cpu", now.cpu.percent if now.cpu else None
    yield "memory", now.memory.working_set if now.memory else None
    yield "io", now.io.both if now.io else None
    for figure, resource in _WAITS:
        pressure = now.pressure.get(resource)
        yield figure, pressure.some.avg10 if pressure else None


_WAITS: tuple[tuple[Figure, str], ...] = (
    ("cpu waits", "cpu"),
    ("memory waits", "memory"),
    ("io waits", "io"),
)
