"""One process, many numbers: the columns in which its PID at each level is shown.

A process has a number in its own pid namespace and in every ancestor of it (pid_namespaces(7));
`NSpid` of /proc/PID/status lists them, the reader's first.
"""

from __future__ import annotations

from collections.abc import Iterable

from nsview.display import display
from nsview.host.model import Container, Snapshot
from nsview.host.pid_map import pid_levels
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task

_PID = KINDS.index("pid")
#: Titles of a level in which the processes shown are in several namespaces.
_MIXED = {1: "INSIDE", 2: "NESTED"}
_NAME_WIDTH = 12


def namespace_names(snapshot: Snapshot, focus: Container | None = None) -> dict[int, str]:
    """Name of the container that a pid namespace belongs to, by inode.

    Of several containers in one pid namespace `focus` gives the name, else the first one.
    """
    names: dict[int, str] = {}
    for one in (*([focus] if focus else []), *snapshot.containers):
        use = one.namespaces.get("pid")
        if one.kind != "host" and use is not None and use.ino and not use.shared:
            names.setdefault(use.ino, one.name)
    return names


def level_titles(
    snapshot: Snapshot, tasks: Iterable[Task], focus: Container | None = None
) -> tuple[str, ...]:
    """Title of each PID column that `tasks` need: ``HOST``, ``IN web``, ``IN dind``."""
    inodes: list[set[int]] = []
    # Thousands of processes are in few namespaces, and have the same levels there.
    alike = {(task.namespaces[_PID], len(task.pids)): task for task in tasks}
    for task in alike.values():
        for level, (_, inode) in enumerate(pid_levels(snapshot, task)):
            if level == len(inodes):
                inodes.append(set())
            inodes[level].add(inode)
    names = namespace_names(snapshot, focus)
    titles = ["HOST"]
    for level, seen in enumerate(inodes[1:], start=1):
        name = names.get(next(iter(seen))) if len(seen) == 1 else None
        titles.append(f"IN {_short(name)}" if name else _MIXED.get(level, f"LEVEL {level}"))
    return tuple(titles)


def _short(name: str) -> str:
    shown = display(name)
    return shown if len(shown) <= _NAME_WIDTH else shown[: _NAME_WIDTH - 1] + "…"


def level_cells(task: Task, columns: int) -> tuple[str, ...]:
    """The numbers of `task` in that many columns, a dash below its own level."""
    numbers = [str(pid) for pid in task.pids[:columns]]
    return (*numbers, *["–"] * (columns - len(numbers)))
