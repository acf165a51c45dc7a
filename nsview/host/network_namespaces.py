"""Network namespaces: how each can be opened, and how to ask the kernel something from inside.

A netlink socket asks for the namespace that it was made in. So a thread of its own joins the
namespace, makes the socket, asks and ends (`call_aside`): no other thread ever leaves its own.
"""

from __future__ import annotations

import os

from nsview.host.aside import call_aside
from nsview.host.holders import find_in_mounts, read_nsfs_mounts
from nsview.kernel.namespaces import KINDS
from nsview.light import suppress
from nsview.typed import TYPE_CHECKING, Callable, Iterable, TypeVar

if TYPE_CHECKING:
    from nsview.host.model import Snapshot
    from nsview.kernel.procfs import Procfs

T = TypeVar("T")

_NET = KINDS.index("net")
_OWN = "/proc/self/ns/net"
# O_NONBLOCK: a bind mount is gone, and a FIFO lies there now.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
#: Ways to open a namespace that are worth a try: its processes may all end meanwhile.
_WAYS = 4
#: For a namespace with thousands of interfaces or sockets, on a machine that is busy.
_PATIENCE_SECONDS = 10.0


def find_network_namespaces(procfs: Procfs, snapshot: Snapshot) -> dict[int, list[str]]:
    """Inode -> paths that open it; the host's first.

    Those that a process is in, and those that are bind mounted where we are (``ip netns add``,
    CNI). What nothing but a descriptor, a socket or a thread holds is not looked for.
    """
    ways: dict[int, list[str]] = {snapshot.initial["net"]: []}
    for task in snapshot.tasks.values():
        paths = ways.setdefault(task.namespaces[_NET], [])
        if len(paths) < _WAYS:
            paths.append(procfs.path(task.pid, "ns/net"))
    with suppress(OSError):
        own = procfs.path("self", "ns/net")
        ways.setdefault(os.stat(own).st_ino, []).insert(0, own)
    for sighting in find_in_mounts(read_nsfs_mounts(procfs, "self"), 0, None):
        if sighting.kind == "net" and sighting.path is not None:
            ways.setdefault(sighting.ino, []).append(sighting.path)
    ways.pop(0, None)  # of processes whose namespaces may not be read
    return ways


def open_network_namespace(ino: int, paths: Iterable[str]) -> int | None:
    """A descriptor of it, which the caller closes; None when it is gone.

    Raises PermissionError where none of the paths may be opened.
    """
    refused: PermissionError | None = None
    for path in paths:
        try:
            descriptor = os.open(path, _READ)
        except PermissionError as error:
            refused = error
            continue
        except OSError:
            continue
        if os.fstat(descriptor).st_ino == ino:  # else: the process has moved, or is another one
            return descriptor
        os.close(descriptor)
    if refused is not None:
        raise refused
    return None


def call_inside(ino: int, paths: Iterable[str], question: Callable[[], T]) -> T | None:
    """Call `question`, whose sockets are of that namespace then; None when it is gone.

    Raises PermissionError where it may not be joined (that takes CAP_SYS_ADMIN, but for the one
    that we are in), and what `question` raises.
    """
    descriptor = open_network_namespace(ino, paths)
    if descriptor is None:
        return None
    try:
        join = () if ino == os.stat(_OWN).st_ino else (("net", descriptor),)
        return call_aside(question, join=join, patience=_PATIENCE_SECONDS)
    finally:
        os.close(descriptor)
