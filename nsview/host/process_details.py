"""What is read of one process only when somebody looks at it: maps, root, command line."""

from __future__ import annotations

from dataclasses import dataclass

from nsview.host.model import Snapshot
from nsview.kernel.cmdline import read_command
from nsview.kernel.idmap import IdRange, parse_id_map
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.typed import Iterable

_USER = KINDS.index("user")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessDetails:
    """One process, closer. What may not be read is None or empty."""

    pid: int
    start_time: int
    command: tuple[str, ...] = ()
    """The whole command line (/proc/PID/cmdline); it may rewrite it at will."""
    executable: str | None = None
    root: str | None = None
    """What its ``/`` is, as seen from its own mount namespace's root."""
    directory: str | None = None
    """Its working directory."""
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()


def read_process_details(procfs: Procfs, task: Task) -> ProcessDetails | None:
    """Read one process; None when it is gone. /proc/PID/{cmdline,exe,root,cwd,uid_map,gid_map}."""
    details = ProcessDetails(
        pid=task.pid,
        start_time=task.start_time,
        command=_command(procfs, task.pid),
        executable=_read_link(procfs, task.pid, "exe"),
        root=_read_link(procfs, task.pid, "root"),
        directory=_read_link(procfs, task.pid, "cwd"),
        uid_map=_id_map(procfs, task.pid, "uid_map"),
        gid_map=_id_map(procfs, task.pid, "gid_map"),
    )
    return details if _is_still(procfs, task) else None


def read_uid_maps(
    procfs: Procfs, snapshot: Snapshot, pids: Iterable[int]
) -> dict[int, tuple[IdRange, ...]]:
    """The uid map of every user namespace that one of `pids` is in, by inode.

    One member speaks for a namespace: the map belongs to the namespace (user_namespaces(7)).
    """
    maps: dict[int, tuple[IdRange, ...]] = {}
    for pid in pids:
        task = snapshot.tasks.get(pid)
        namespace = 0 if task is None else task.namespaces[_USER]
        if namespace and namespace not in maps and (ranges := _id_map(procfs, pid, "uid_map")):
            maps[namespace] = ranges
    return maps


def _id_map(procfs: Procfs, pid: int, name: str) -> tuple[IdRange, ...]:
    try:
        return parse_id_map(_read(procfs, pid, name) or b"")
    except ValueError:  # torn: it will be whole at the next look
        return ()


def _command(procfs: Procfs, pid: int) -> tuple[str, ...]:
    try:
        return read_command(procfs, pid) or ()
    except PermissionError:
        return ()


def _read(procfs: Procfs, pid: int, name: str) -> bytes | None:
    try:
        return procfs.read(pid, name)
    except PermissionError:
        return None


def _read_link(procfs: Procfs, pid: int, name: str) -> str | None:
    try:
        return procfs.read_link(pid, name)
    except PermissionError:
        return None


# The start time is read last: had the PID been reused meanwhile, it would be another's.
def _is_still(procfs: Procfs, task: Task) -> bool:
    from nsview.kernel.stat import parse_stat

    data = _read(procfs, task.pid, "stat")
    return data is not None and parse_stat(data).start_time == task.start_time
