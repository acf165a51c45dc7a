"""The engines' records, found by the id that a cgroup path holds."""

from __future__ import annotations

from nsview.engines.base import Match, Record
from nsview.kernel.task import Task
from nsview.typed import Iterable

_RANDOM_ID = 32
"""An id of so many characters or more is random, and no two engines give the same."""


class Records:
    """What the engines' files say, of running and of stopped containers."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.all = tuple(records)
        self._by_id: dict[str, list[Record]] = {}
        for record in self.all:
            self._by_id.setdefault(record.id, []).append(record)
        self._by_first = {
            (one.pid, one.start_time): one for one in self.all if one.start_time is not None
        }

    def of_first(self, task: Task) -> Record | None:
        """The record that names exactly this process as its first; of its own user's containers."""
        record = self._by_first.get(task.identity)
        return record if record is not None and record.user == task.uid else None

    def find(self, match: Match) -> Record | None:
        """The record of a match: the same id, and the same engine where the id is a free name.

        64 random hex digits name one container, whichever engine the path suggested (below
        kubepods it cannot tell); ``web`` in containerd says nothing about another engine's.
        """
        same_id = self._by_id.get(match.id, [])
        fitting = [one for one in same_id if one.engine == match.engine]
        if not fitting and len(match.id) >= _RANDOM_ID:
            fitting = same_id
        if match.namespace is not None:
            fitting = [one for one in fitting if one.namespace in (None, match.namespace)]
        owned = [one for one in fitting if one.user == (match.user or 0)]
        return next(iter(owned or fitting), None)
