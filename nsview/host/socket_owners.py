"""Whose a socket is: the processes that have a descriptor of it."""

from __future__ import annotations

from nsview.kernel.fd import read_fd_links
from nsview.kernel.namespaces import KINDS
from nsview.typed import TYPE_CHECKING, Collection, Iterable

if TYPE_CHECKING:
    from nsview.host.model import Snapshot
    from nsview.kernel.procfs import Procfs
    from nsview.kernel.task import Task

_NET = KINDS.index("net")
_PREFIX = "socket:["


def find_socket_owners(
    procfs: Procfs, snapshot: Snapshot, inodes: Collection[int], networks: Collection[int]
) -> dict[int, tuple[int, ...]]:
    """Inode of a socket -> host PIDs that have it open, ascending; those that nobody has left out.

    The processes in `networks` (inodes of network namespaces) are looked at first, and all others
    only for what is left: a socket stays in its namespace, its process may have been elsewhere all
    the time (systemd's activation, conmon).
    """
    missing = set(inodes) - {0}
    owners: dict[int, list[int]] = {}
    tasks = [task for task in snapshot.tasks.values() if not task.kernel_thread]
    for near in (True, False):
        if missing:
            group = (task for task in tasks if (task.namespaces[_NET] in networks) is near)
            _look_at(procfs, group, frozenset(missing), owners)
            missing -= owners.keys()
    return {inode: tuple(pids) for inode, pids in owners.items()}


def _look_at(
    procfs: Procfs, tasks: Iterable[Task], wanted: Collection[int], owners: dict[int, list[int]]
) -> None:
    for task in tasks:
        try:
            links = read_fd_links(procfs, task.pid) or ()
        except OSError:  # not ours to look at
            continue
        here = {int(link[len(_PREFIX) : -1]) for _, link in links if link.startswith(_PREFIX)}
        for inode in here.intersection(wanted):
            owners.setdefault(inode, []).append(task.pid)
