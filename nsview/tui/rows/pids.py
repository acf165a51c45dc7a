"""Every process that has a given number at some level."""

from __future__ import annotations

from dataclasses import dataclass

from nsview.display import display
from nsview.host.model import Snapshot
from nsview.host.pid_map import pid_levels, tasks_with_inner_pid
from nsview.kernel.task import Task
from nsview.tui.rows.levels import namespace_names
from nsview.tui.rows.processes import command_line


@dataclass(frozen=True, slots=True, kw_only=True)
class PidRow:
    """A process and what it is called where."""

    key: tuple[int, int]
    task: Task
    host_pid: int
    fits: str
    """Where the number that was asked for is its number: ``host``, ``inside web``."""
    levels: str
    """All its numbers: ``4711 host › 7 web``; display-safe."""
    container: str | None
    """`ref`."""
    command: str
    """Display-safe."""


def pid_rows(snapshot: Snapshot, number: int) -> list[PidRow]:
    """Processes with that number on the host first, then those that have it inside."""
    tasks = tasks_with_inner_pid(snapshot, number)
    tasks.sort(key=lambda task: (task.pid != number, task.pid))
    names = namespace_names(snapshot)
    return [_row(snapshot, task, number, names) for task in tasks]


def _row(snapshot: Snapshot, task: Task, number: int, names: dict[int, str]) -> PidRow:
    levels = pid_levels(snapshot, task)
    places = [
        ("host" if index == 0 else _place(names, inode), pid)
        for index, (pid, inode) in enumerate(levels)
    ]
    return PidRow(
        key=task.identity,
        task=task,
        host_pid=task.pid,
        fits=", ".join(place for place, pid in places if pid == number),
        levels=" › ".join(f"{pid} {place}" for place, pid in places),
        container=snapshot.membership.get(task.pid),
        command=command_line(snapshot, task),
    )


def _place(names: dict[int, str], inode: int) -> str:
    if inode in names:
        return display(names[inode])
    return f"pid:[{inode}]" if inode else "unknown namespace"
