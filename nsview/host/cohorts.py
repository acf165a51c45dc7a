"""Processes in the same namespaces and control groups: thousands of them are few cohorts.

They are kept from look to look: who came and who went finds its cohort, and all others stay as they
are, as the very same tuples.
"""

from __future__ import annotations

from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.typed import Iterable

_PID = KINDS.index("pid")

Cohort = tuple[Task, ...]
"""Ascending by pid."""
Replaced = dict[int, tuple[Cohort, Cohort]]
"""By the id of a former cohort: that one, and the one that is in its place now."""
_Place = tuple[int, int]


class Cohorts:
    """Of everybody who is not simply the host's own."""

    def __init__(self, host: tuple[int, ...]) -> None:
        """`host`: inodes of the host's namespaces, in the order of their kinds."""
        self.host = host
        self._places: dict[int, _Place] = {}
        self._members: dict[_Place, dict[int, Task]] = {}
        self._cohorts: dict[_Place, Cohort] = {}
        self.replaced: Replaced | None = None
        """What the last update did; None where a cohort came, went, or has another first one."""

    def update(self, gone: Iterable[Task], came: Iterable[Task]) -> bool:
        """False when all of them were the host's own."""
        touched: set[_Place] = set()
        for task in gone:
            place = self._places.pop(task.pid, None)
            if place is not None:
                del self._members[place][task.pid]
                touched.add(place)
        for task in came:
            if not self.is_of_host(task):
                place = self._places[task.pid] = _place(task)
                self._members.setdefault(place, {})[task.pid] = task
                touched.add(place)
        replaced: Replaced = {}
        same_firsts = True
        for place in touched:
            before = self._cohorts.pop(place, None)
            members = self._members[place]
            if members:
                now = self._cohorts[place] = tuple(members[pid] for pid in sorted(members))
            else:
                del self._members[place]
            if before is not None and members and before[0] is now[0]:
                replaced[id(before)] = before, now
            else:
                same_firsts = False
        self.replaced = replaced if same_firsts else None
        return bool(touched)

    def is_of_host(self, task: Task) -> bool:
        """In the host's namespaces; kdevtmpfs has a mount namespace of its own and is, too."""
        return task.kernel_thread or task.namespaces == self.host

    @property
    def all(self) -> list[Cohort]:
        """Ascending by the first pid of each."""
        return sorted(self._cohorts.values(), key=lambda cohort: cohort[0].pid)


# Equal values mostly are the same objects, which cost less to compare than what is in them; members
# keep them alive. Who may not be looked into has nothing in common with others.
def _place(task: Task) -> _Place:
    namespaces = task.namespaces if task.namespaces[_PID] else task
    return id(namespaces), id(task.cgroups)
