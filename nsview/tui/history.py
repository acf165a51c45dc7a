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


#: Who rests gives the same object at every look; who is asked again at once gives it, too.
_NEWS_SECONDS: Final = 0.4
_NONE: Final = array("f")


class _Kept:
    """Of one container."""

    __slots__ = ("last", "repeats", "taken", "values")

    def __init__(self, now: Resources, taken: float, before: _Kept | None) -> None:
        self.last = now
        self.taken = taken
        self.repeats = 0
        """So many more looks have found the same."""
        self.values = {
            figure: _appended(before.of(figure) if before else array("f"), value)
            for figure, value in _figures(now)
        }

    def of(self, figure: Figure) -> array[float]:
        values = self.values.get(figure, _NONE)
        return (values + values[-1:] * self.repeats)[-LONGEST:]


class History:
    """The UI's thread adds to it."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def add(self, snapshot: Snapshot) -> None:
        """Remember a snapshot; what it only gives again from the one a moment before is no news."""
        kept = {}
        for ref, now in snapshot.resources.items():
            one = self._kept.get(ref)
            if one is None or one.last is not now:
                one = _Kept(now, snapshot.taken, one)
            elif not 0 <= snapshot.taken - one.taken < _NEWS_SECONDS:
                one.taken = snapshot.taken
                one.repeats = min(one.repeats + 1, LONGEST)
            kept[ref] = one
        self._kept = kept

    def repeats(self, ref: str) -> int:
        """How many looks in a row have given the very figures of the look before them."""
        kept = self._kept.get(ref)
        return kept.repeats if kept is not None else 0

    def values(self, ref: str, figure: Figure) -> Sequence[float]:
        """Oldest first, at most `LONGEST`; NaN where nothing was known. Any thread may ask."""
        kept = self._kept.get(ref)
        return kept.of(figure) if kept is not None else _NONE[:]

    def sums(self, containers: Sequence[Container], figure: Figure) -> list[float]:
        """Those of several containers, added up; they begin when the oldest of them does."""
        columns = [self.values(one.ref, figure)[::-1] for one in containers]
        longest = max(map(len, columns), default=0)
        known = ([one[at] for one in columns if at < len(one)] for at in range(longest))
        return [sum(v for v in values if v == v) for values in known][::-1]


def _appended(values: array[float], value: float | None) -> array[float]:
    values.append(UNKNOWN if value is None else value)
    return values[-LONGEST:]


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
