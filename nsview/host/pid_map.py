"""A process's number at every level of pid namespace, in both directions.

pid_namespaces(7): a process is visible in its own pid namespace and in every ancestor of it, with
another number in each. ``NSpid`` of /proc/PID/status lists the numbers from the reader's namespace
inwards; joined with the hierarchy of the namespaces, each number is known by whom it is used.
"""

from __future__ import annotations

from nsview.host.model import PidLevel, Snapshot
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.typed import Mapping

_PID = KINDS.index("pid")


def pid_ns_chain(pid_ns: int, parents: Mapping[int, int]) -> tuple[int, ...]:
    """A pid namespace and its ancestors as far as they are known, outermost first."""
    chain = [pid_ns]
    while (parent := parents.get(chain[-1], 0)) and parent not in chain:
        chain.append(parent)
    return tuple(reversed(chain))


def pid_levels(snapshot: Snapshot, task: Task) -> tuple[PidLevel, ...]:
    """The numbers of a process, outermost (the reader's) first."""
    chain = pid_ns_chain(task.namespaces[_PID], snapshot.pid_parents)
    # The chain may reach above the reader's own namespace, or end early where parents are hidden.
    known = chain[-len(task.pids) :]
    levels = [0] * (len(task.pids) - len(known)) + list(known)
    # The outermost number is the reader's by definition, and PID 1's namespace is the reader's.
    levels[0] = levels[0] or snapshot.initial.get("pid", 0)
    return tuple(map(PidLevel, task.pids, levels))


def tasks_with_inner_pid(snapshot: Snapshot, number: int, pid_ns: int | None = None) -> list[Task]:
    """Processes that have `number` at some level, or in the namespace `pid_ns` if one is given."""
    found = []
    for task in snapshot.tasks.values():
        if number not in task.pids:
            continue
        levels = pid_levels(snapshot, task)
        if any(level.pid == number and pid_ns in (None, level.pid_ns) for level in levels):
            found.append(task)
    return found
