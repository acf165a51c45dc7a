"""What happened between two looks at the processes of a host. Pure."""

from __future__ import annotations

from nsview.kernel.task import Task
from nsview.named_tuple import NamedTuple
from nsview.typed import Collection, Mapping


class TaskChanges(NamedTuple):
    """Whoever became something else is gone as what it was, and came as what it is."""

    gone: tuple[Task, ...] = ()
    came: tuple[Task, ...] = ()
    active: tuple[Task, ...] = ()
    """They woke, slept, made threads, took other work, and are what they were otherwise."""

    @property
    def none(self) -> bool:
        """Nobody came, went, or became something else."""
        return not self.gone and not self.came


def find_task_changes(before: Mapping[int, Task], now: Mapping[int, Task]) -> TaskChanges:
    """Who is the same object did nothing at all."""
    if before is now:
        return TaskChanges()
    if not before:
        return TaskChanges(came=tuple(now.values()))
    gone = [task for pid, task in before.items() if pid not in now]
    came, active = [], []
    for pid, task in now.items():
        old = before.get(pid)
        if old is task:
            continue
        if old is None:
            came.append(task)
        elif _without_activity(old) == _without_activity(task):
            active.append(task)
        else:
            gone.append(old)
            came.append(task)
    return TaskChanges(tuple(gone), tuple(came), tuple(active))


def has_rested(task: Task, ran: Collection[int] | None) -> bool:
    """Nothing that it does can have grown: it was not on a processor, and has no other threads."""
    return ran is not None and task.threads == 1 and task.state != "R" and task.pid not in ran


def _without_activity(task: Task) -> Task:
    # A worker of the kernel is called after what it works at.
    return task._replace(state="", threads=0, comm="" if task.kernel_thread else task.comm)
