"""What was made of the processes of one look, kept for as long as it would come out the same.

On a quiet host the next look finds the same processes: some have run, some sleep now, and that
changes no container. Then nothing is put together again, and whoever shows it sees the very same
objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nsview.engines.base import Record
from nsview.host.model import Container
from nsview.kernel.task import CgroupPath, Task
from nsview.named_tuple import NamedTuple


class Arrangement(NamedTuple):
    """The containers, and what they were made of."""

    tasks: Mapping[int, Task]
    initial: Mapping[str, int]
    records: tuple[Record, ...]
    wanted: tuple[bool, ...]
    """Which parts were asked for."""
    frozen: Mapping[tuple[CgroupPath, ...], bool]
    """What the freezer said of each first process, by its control groups."""

    containers: tuple[Container, ...]
    membership: Mapping[int, str]
    commands: Mapping[int, tuple[str, ...]]
    pid_parents: Mapping[int, int]
    partial: tuple[str, ...]

    def still_holds(
        self,
        tasks: Mapping[int, Task],
        initial: Mapping[str, int],
        records: tuple[Record, ...],
        wanted: tuple[bool, ...],
        read_frozen: Callable[[tuple[CgroupPath, ...]], bool],
    ) -> bool:
        """Nothing that counts has changed; the freezer is asked last, for it costs most."""
        return (
            (self.wanted, self.initial, self.records) == (wanted, initial, records)
            and have_only_run(self.tasks, tasks)
            and all(read_frozen(cgroups) == was for cgroups, was in self.frozen.items())
        )


def have_only_run(before: Mapping[int, Task], now: Mapping[int, Task]) -> bool:
    """Nobody came, went, or became something else: they woke, slept, made threads.

    Both are ascending by pid. Whoever is the same object did not even do that.
    """
    if len(before) != len(now):
        return False
    return all(
        old is new or (new.pid == old.pid and _without_activity(new) == _without_activity(old))
        for old, new in zip(before.values(), now.values(), strict=True)
    )


def _without_activity(task: Task) -> Task:
    return task._replace(state="", threads=0)
