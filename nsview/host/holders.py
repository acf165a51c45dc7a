"""Who keeps a namespace alive besides its processes: threads, descriptors, sockets, bind mounts.

namespaces(7), "The lifetime of namespaces". Each function here finds one sort of holder on the
whole host and yields a `Sighting` for each namespace that it sees.
"""

from __future__ import annotations

import os
import re

from nsview.host.model import Holder
from nsview.kernel.fd import read_fd_links
from nsview.kernel.mountinfo import Mount, parse_mountinfo
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.task import Task
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Final, Iterable, Iterator, Mapping

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

_PID = KINDS.index("pid")
_TIME = KINDS.index("time")

#: As nsfs names its inodes, in links and as the root of a bind mount.
_NSFS_NAME: Final = re.compile(rf"({'|'.join(KINDS)}):\[(\d{{1,20}})\]", re.ASCII)
_NSFS_LINE: Final = b" - nsfs "


class Sighting(NamedTuple):
    """A namespace was seen, held by somebody."""

    kind: str
    ino: int
    holder: Holder
    path: str | None = None
    """Opens it: a path of ours, or one of somebody else's below `root`. None: nothing does."""
    root: str | None = None
    """A directory whose contents others control; `path` must not leave it."""
    descriptor: int | None = None
    """Open until the next sighting is asked for, where `path` opens nothing."""
    spare: str | None = None
    """Opens it too, when who gave `path` is gone."""


def find_in_processes(procfs: Procfs, tasks: Iterable[Task]) -> Iterator[Sighting]:
    """Members, and processes whose next child only will be a member: one sighting for each.

    With the first process of the namespace, and the last one to open it by, too.
    """
    # Thousands of processes are in few combinations of namespaces: those are counted first.
    combinations: dict[tuple[int, ...], list[int]] = {}
    for task in tasks:
        combinations.setdefault(_links_of(task), []).append(task.pid)
    members: dict[tuple[str, str, int, bool], list[list[int]]] = {}
    for links, pids in combinations.items():
        for membership in _memberships(links):
            members.setdefault(membership, []).append(pids)
    for (kind, link, ino, children), groups in members.items():
        first = min(pids[0] for pids in groups)
        count = sum(map(len, groups))
        holder = Holder(kind="process", pid=first, count=count, children=children)
        spare = procfs.path(groups[-1][-1], f"ns/{link}")
        yield Sighting(kind, ino, holder, procfs.path(first, f"ns/{link}"), spare=spare)


def find_in_threads(
    procfs: Procfs,
    tasks: Iterable[Task],
    threads: Mapping[tuple[int, int], tuple[int, ...]] | None = None,
) -> Iterator[Sighting]:
    """Threads that have left the namespaces of their process (unshare(2), setns(2)).

    `threads` are those of the snapshot; without them those of every process are read.
    """
    if threads is not None:
        yield from _in_known_threads(procfs, tasks, threads)
        return
    for task in tasks:
        if task.threads < 2 or task.kernel_thread:
            continue
        leader = _links_of(task)
        try:
            tids = procfs.threads(task.pid)
        except PermissionError:
            continue
        for tid in tids:
            if tid == task.pid:
                continue
            links = read_namespaces(procfs, task.pid, tid)
            if links is None or links == leader:
                continue
            yield from _of_thread(procfs, task.pid, tid, links, leader)


def find_in_descriptors(
    procfs: Procfs,
    tasks: Iterable[Task],
    descriptors: Iterable[tuple[int, int]] | None = None,
) -> Iterator[Sighting]:
    """Open descriptors of namespaces.

    `descriptors` are those (pid, descriptor) that are known to be some; without them all of every
    process are read.
    """
    if descriptors is None:
        links = (
            (task.pid, fd, link)
            for task in tasks
            if not task.kernel_thread
            for fd, link in _read_descriptors(procfs, task.pid)
        )
    else:
        links = ((pid, fd, _read_descriptor(procfs, pid, fd)) for pid, fd in descriptors)
    for pid, fd, link in links:
        if match := _NSFS_NAME.fullmatch(link):
            holder = Holder(kind="fd", pid=pid, fd=fd)
            path = procfs.path(pid, f"fd/{fd}")
            yield Sighting(match[1], int(match[2]), holder, path)


def find_in_sockets(procfs: Procfs, tasks: Iterable[Task]) -> Iterator[Sighting]:
    """Network namespaces of open sockets: a socket stays in the one that it was made in.

    Every socket is borrowed for a moment (pidfd_getfd(2)), which takes the right to ptrace.
    """
    seen: set[str] = set()
    for task in tasks:
        if task.kernel_thread:
            continue
        links = ((fd, link) for fd, link in _read_descriptors(procfs, task.pid))
        sockets = [(fd, link) for fd, link in links if link.startswith("socket:[")]
        fresh = [fd for fd, link in sockets if link not in seen]
        seen.update(link for _, link in sockets)
        if fresh:
            yield from _in_sockets_of(task.pid, fresh)


def find_in_mounts(mounts: Iterable[Mount], mount_ns: int, root: str | None) -> Iterator[Sighting]:
    """Bind mounts of namespaces (``ip netns add``, ``unshare --net=FILE``) in one mount table.

    `root` is the directory that the paths of the table begin at, as we reach it; None where they
    are paths of ours.
    """
    for mount in mounts:
        if mount.fstype == "nsfs" and (match := _NSFS_NAME.fullmatch(mount.root)):
            holder = Holder(kind="bind", path=mount.target, mount_ns=mount_ns)
            yield Sighting(match[1], int(match[2]), holder, mount.target, root)


def read_nsfs_mounts(procfs: Procfs, pid: int | str, tid: int | None = None) -> tuple[Mount, ...]:
    """The nsfs mounts of a process's table alone; none when it is gone or may not be read."""
    place = procfs.path(pid, "mountinfo" if tid is None else f"task/{tid}/mountinfo")
    try:
        return parse_nsfs_mounts(procfs.read_file(place) or b"")
    except OSError:  # EACCES; EINVAL: an exiting task has no mount namespace any more
        return ()


def parse_nsfs_mounts(data: bytes) -> tuple[Mount, ...]:
    """Only the nsfs mounts of a mount table, of which most have none."""
    if _NSFS_LINE not in data:
        return ()
    lines = [line for line in data.split(b"\n") if _NSFS_LINE in line]
    return parse_mountinfo(b"\n".join(lines))


def _links_of(task: Task) -> tuple[int, ...]:
    return (*task.namespaces, task.pid_for_children, task.time_for_children)


def _memberships(links: tuple[int, ...]) -> Iterator[tuple[str, str, int, bool]]:
    # (kind, name of the link, inode, only the next child will be in it)
    for kind, ino in zip(KINDS, links, strict=False):
        if ino:
            yield kind, kind, ino, False
    pid_for_children, time_for_children = links[len(KINDS) :]
    if pid_for_children not in (0, links[_PID]):
        yield "pid", "pid_for_children", pid_for_children, True
    if time_for_children not in (0, links[_TIME]):
        yield "time", "time_for_children", time_for_children, True


def _in_known_threads(
    procfs: Procfs, tasks: Iterable[Task], threads: Mapping[tuple[int, int], tuple[int, ...]]
) -> Iterator[Sighting]:
    leaders = {task.pid: task for task in tasks if task.threads > 1 and not task.kernel_thread}
    for (pid, tid), links in threads.items():
        if pid in leaders:
            yield from _of_thread(procfs, pid, tid, links, _links_of(leaders[pid]))


def _of_thread(
    procfs: Procfs, pid: int, tid: int, links: tuple[int, ...], leader: tuple[int, ...]
) -> Iterator[Sighting]:
    known = {(kind, ino) for kind, _, ino, _ in _memberships(leader)}
    for kind, link, ino, children in _memberships(links):
        if (kind, ino) not in known:
            holder = Holder(kind="thread", pid=pid, tid=tid, children=children)
            yield Sighting(kind, ino, holder, procfs.path(pid, f"task/{tid}/ns/{link}"))


def _in_sockets_of(pid: int, fds: Iterable[int]) -> Iterator[Sighting]:
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        for fd in fds:
            namespace = _open_network_namespace(pidfd, fd)
            if namespace is None:
                continue
            try:
                holder = Holder(kind="socket", pid=pid, fd=fd)
                ino = os.fstat(namespace).st_ino
                yield Sighting("net", ino, holder, descriptor=namespace)
            finally:
                os.close(namespace)
    finally:
        os.close(pidfd)


def _open_network_namespace(pidfd: int, fd: int) -> int | None:
    from nsview.kernel.pidfd import duplicate_descriptor, socket_netns

    try:
        socket = duplicate_descriptor(pidfd, fd)
    except OSError:
        return None  # closed meanwhile, or not ours to take
    try:
        return socket_netns(socket)
    except OSError:
        return None  # another file has that number now
    finally:
        os.close(socket)


def _read_descriptor(procfs: Procfs, pid: int, fd: int) -> str:
    try:
        return procfs.read_link(pid, f"fd/{fd}") or ""
    except OSError:
        return ""  # not ours to look at


def _read_descriptors(procfs: Procfs, pid: int) -> Iterable[tuple[int, str]]:
    try:
        return read_fd_links(procfs, pid) or ()
    except OSError:
        return ()  # not ours to look at
