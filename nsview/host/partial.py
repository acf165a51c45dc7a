"""What is missing from a view, and why, in a few words for the header.

Called with every snapshot: nothing here is read twice that the census has read already. `doctor`
looks closer.
"""

from __future__ import annotations

import os

from nsview.kernel.namespaces import INITIAL_INODES, KINDS
from nsview.kernel.task import Task
from nsview.typed import TYPE_CHECKING, Final, Mapping

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

CAP_SYS_PTRACE: Final = 19  # include/uapi/linux/capability.h

#: Being inside one of these, rather than in the host's, takes something away.
_COST_OF_BEING_INSIDE: Final = {
    "pid": "processes outside it are invisible",
    "user": "uids are shown as seen from inside",
    "cgroup": "cgroup paths are cut, and containers may not be recognised",
}
GONE_STATES: Final = "ZX"
_NAMED_PIDS: Final = 3


def partial_reasons(
    procfs: Procfs, tasks: Mapping[int, Task], initial: Mapping[str, int]
) -> tuple[str, ...]:
    """Say in short sentences what this view lacks; nothing when it is complete."""
    reasons = [*_invisible(procfs, tasks), *_unreadable(procfs, tasks, initial)]
    for kind, cost in _COST_OF_BEING_INSIDE.items():
        own = own_namespace(procfs, kind)
        if own not in (0, INITIAL_INODES[kind]):
            reasons.append(f"nsview runs inside a {kind} namespace: {cost}")
    return tuple(reasons)


def own_namespace(procfs: Procfs, kind: str) -> int:
    """Inode of our own namespace of that kind; 0 where it cannot be told."""
    try:
        return os.stat(procfs.path("self", f"ns/{kind}")).st_ino
    except OSError:
        return 0


def effective_capabilities(procfs: Procfs) -> int:
    """Our own effective capabilities as a bit mask; 0 where they cannot be read."""
    try:
        status = procfs.read_file(procfs.path("self", "status")) or b""
    except OSError:
        return 0
    for line in status.split(b"\n"):
        if line.startswith(b"CapEff:"):
            return int(line.split()[1], 16)
    return 0


def has_capability(procfs: Procfs, number: int) -> bool:
    """Whether that capability is effective for us."""
    return bool(effective_capabilities(procfs) >> number & 1)


def hidepid(procfs: Procfs) -> str | None:
    """The ``hidepid=`` that /proc is mounted with, in the words of the kernel; None without one.

    proc(5): ``noaccess`` (1), ``invisible`` (2), ``ptraceable`` (4).
    """
    from nsview.kernel.mountinfo import parse_mountinfo

    try:
        mounts = parse_mountinfo(procfs.read_file(procfs.path("self", "mountinfo")) or b"")
    except OSError:
        return None
    options = [
        one.super_options for one in mounts if one.target == procfs.root and one.fstype == "proc"
    ]
    for option in options[-1] if options else ():
        if option.startswith("hidepid="):
            return option.removeprefix("hidepid=")
    return None


def _invisible(procfs: Procfs, tasks: Mapping[int, Task]) -> list[str]:
    # Every pid namespace has a number 1 while anybody lives in it.
    if 1 in tasks:
        return []
    how = hidepid(procfs)
    why = f"/proc is mounted with hidepid={how}" if how else "/proc does not show process 1"
    return [f"{why}: processes of other users are invisible"]


def _unreadable(procfs: Procfs, tasks: Mapping[int, Task], initial: Mapping[str, int]) -> list[str]:
    pids = [
        task.pid
        for task in tasks.values()
        if not any(task.namespaces) and task.state not in GONE_STATES
    ]
    if not pids:
        return []
    if not has_capability(procfs, CAP_SYS_PTRACE):
        return [f"no CAP_SYS_PTRACE: namespaces of {_processes(len(pids))} unreadable"]
    guessed = pids == [1] and all(initial.get(kind) for kind in KINDS)
    if guessed:
        return ["PID 1 unreadable: the host's namespaces are known by their fixed numbers"]
    named = ", ".join(map(str, pids[:_NAMED_PIDS])) + (", ..." if len(pids) > _NAMED_PIDS else "")
    return [f"namespaces of {_processes(len(pids))} unreadable: {named}"]


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"
