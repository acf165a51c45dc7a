"""What a descriptor of a namespace tells: ioctl_nsfs(2), include/uapi/linux/nsfs.h.

An open descriptor keeps its namespace alive (and a network namespace's devices with it), so every
one that is opened here is closed before the function returns, or is the caller's to close.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from nsview.kernel.namespaces import CLONE_FLAGS
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Callable, Container, Final, Iterator

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

NS_GET_USERNS: Final = 0xB701  # Linux 4.9
NS_GET_PARENT: Final = 0xB702  # Linux 4.9
NS_GET_NSTYPE: Final = 0xB703  # Linux 4.11
NS_GET_OWNER_UID: Final = 0xB704  # Linux 4.11
NS_GET_MNTNS_ID: Final = 0x8008B705  # Linux 6.12; 6.11 had it with another encoding
NS_MNT_GET_INFO: Final = 0x8010B70A  # Linux 6.12
NS_MNT_GET_NEXT: Final = 0x8010B70B  # Linux 6.12
NS_MNT_GET_PREV: Final = 0x8010B70C  # Linux 6.12
NS_GET_ID: Final = 0x8008B70D  # Linux 6.18

_UID: Final = struct.Struct("=I")
_ID: Final = struct.Struct("=Q")
_MNT_NS_INFO: Final = struct.Struct("=IIQ")  # struct mnt_ns_info: size, nr_mounts, mnt_ns_id
_KINDS: Final = {flag: kind for kind, flag in CLONE_FLAGS.items()}
_HAS_PARENT: Final = frozenset({"pid", "user"})
#: What an ioctl that this kernel (or this kind of namespace) does not have answers.
_UNKNOWN: Final = frozenset({errno.ENOTTY, errno.EINVAL})


class MountNamespaceInfo(NamedTuple):
    """A mount namespace in a word (struct mnt_ns_info)."""

    id: int
    mounts: int


class MountNamespace(NamedTuple):
    """A step of `iter_mount_namespaces`."""

    fd: int
    """Closed when the iteration goes on: dup() it to keep it."""
    ino: int
    id: int
    mounts: int


class NamespaceFacts(NamedTuple):
    """All that the kernel tells about one namespace."""

    kind: str
    ino: int
    """Reused once the namespace is gone."""
    id: int | None = None
    """Never reused during a boot: any kind since Linux 6.18, mnt since 6.12. None: not known."""
    parent: int | None = None
    """pid and user: inode of the parent; None too where that is above what we may see."""
    owner: int | None = None
    """Inode of the user namespace whose capabilities rule this one; of a user ns its parent."""
    owner_uid: int | None = None
    """user: effective uid of its maker, as our user namespace sees it."""
    mounts: int | None = None
    """mnt: number of mounts (Linux 6.12)."""


def open_namespace(procfs: Procfs, pid: int | str, kind: str) -> int:
    """Open ``/proc/PID/ns/KIND``; the caller closes it.

    `pid` may be ``self``, `kind` ``pid_for_children`` or ``time_for_children`` too. Raises
    FileNotFoundError or ProcessLookupError when the process is gone, PermissionError when ptrace is
    denied.
    """
    return os.open(procfs.path(pid, f"ns/{kind}"), os.O_RDONLY | os.O_CLOEXEC)


def get_type(fd: int) -> str:
    """Return the kind of a namespace; OSError ENOTTY when `fd` is none.

    A kind that this module does not know is OSError EINVAL.
    """
    flag = fcntl.ioctl(fd, NS_GET_NSTYPE)
    if flag not in _KINDS:
        raise OSError(errno.EINVAL, f"unknown kind of namespace {flag:#x}")
    return _KINDS[flag]


def get_userns(fd: int) -> int:
    """Return a new descriptor of the owning user namespace; EPERM above our own."""
    return fcntl.ioctl(fd, NS_GET_USERNS)


def get_parent(fd: int) -> int:
    """Return a new descriptor of the parent; EINVAL unless pid or user; EPERM above our own."""
    return fcntl.ioctl(fd, NS_GET_PARENT)


def get_owner_uid(fd: int) -> int:
    """Return who made a user namespace, as a uid of our own; EINVAL for any other kind."""
    buffer = bytearray(_UID.size)
    fcntl.ioctl(fd, NS_GET_OWNER_UID, buffer)
    (uid,) = _UID.unpack(buffer)
    return int(uid)


def get_id(fd: int) -> int | None:
    """Return the 64-bit id; None where the kernel has none for this kind."""
    for request in (NS_GET_ID, NS_GET_MNTNS_ID):
        buffer = bytearray(_ID.size)
        if _known(request, fd, buffer):
            return int(_ID.unpack(buffer)[0])
    return None


def mount_ns_info(fd: int) -> MountNamespaceInfo | None:
    """Return id and number of mounts; None for other kinds and before Linux 6.12."""
    buffer = bytearray(_MNT_NS_INFO.size)
    if not _known(NS_MNT_GET_INFO, fd, buffer):
        return None
    _, mounts, number = _MNT_NS_INFO.unpack(buffer)
    return MountNamespaceInfo(id=number, mounts=mounts)


def get_next_mount_ns(fd: int) -> int | None:
    """Return a new descriptor of the mount namespace with the next higher id; None at the end.

    Raises PermissionError outside the initial pid namespace or without CAP_SYS_ADMIN, OSError
    ENOTTY before Linux 6.12.
    """
    return _neighbour(fd, NS_MNT_GET_NEXT)


def get_previous_mount_ns(fd: int) -> int | None:
    """Return a new descriptor of the mount namespace with the next lower id, as above."""
    return _neighbour(fd, NS_MNT_GET_PREV)


def iter_mount_namespaces(fd: int) -> Iterator[MountNamespace]:
    """Yield every mount namespace of the host, those without any process included.

    Starts with the one of `fd`, walks up its ids, then down. Yields nothing where the kernel cannot
    (before Linux 6.12); raises PermissionError, before anything is yielded, where it does not let
    us (it takes CAP_SYS_ADMIN, and since 2026 the initial pid namespace).
    """
    info = mount_ns_info(fd)
    if info is None:
        return
    first = get_next_mount_ns(fd)  # the permission shows here
    if first is not None:
        os.close(first)
    yield MountNamespace(fd, os.fstat(fd).st_ino, info.id, info.mounts)
    yield from _walk(fd, get_next_mount_ns)
    yield from _walk(fd, get_previous_mount_ns)


def read_facts(fd: int) -> NamespaceFacts:
    """Ask a namespace descriptor everything; OSError ENOTTY when it is none."""
    kind = get_type(fd)
    info = mount_ns_info(fd) if kind == "mnt" else None
    return NamespaceFacts(
        kind=kind,
        ino=os.fstat(fd).st_ino,
        id=get_id(fd),
        parent=_relative(fd, get_parent) if kind in _HAS_PARENT else None,
        owner=_relative(fd, get_userns),
        owner_uid=get_owner_uid(fd) if kind == "user" else None,
        mounts=info.mounts if info else None,
    )


def read_ancestry(fd: int, known: Container[int] = ()) -> tuple[NamespaceFacts, ...]:
    """Return the facts of every parent and owner above a namespace, nearest first.

    They may have no process at all: then nothing else shows them. A namespace whose inode is in
    `known` is left out, with all above it: pass what was read before, to read each one once.
    """
    found: dict[int, NamespaceFacts] = {}
    pending = _above(fd)
    try:
        while pending:
            current = pending[0]
            facts = read_facts(current)
            if facts.ino not in found and facts.ino not in known:
                found[facts.ino] = facts
                pending += _above(current)
            os.close(pending.pop(0))
    finally:
        for left in pending:
            os.close(left)
    return tuple(found.values())


def _above(fd: int) -> list[int]:
    """Open the parent and the owner of a namespace, as far as they may be seen."""
    fds: list[int] = []
    for ask in (get_parent, get_userns):
        try:
            fds.append(ask(fd))
        except OSError as error:
            if error.errno != errno.EPERM and error.errno not in _UNKNOWN:
                for opened in fds:
                    os.close(opened)
                raise
    return fds


def _relative(fd: int, ask: Callable[[int], int]) -> int | None:
    """The inode of the parent or owner, where there is one that we may see."""
    try:
        relative = ask(fd)
    except PermissionError:  # said of an initial one, too, which has none
        return None
    except OSError as error:
        if error.errno in _UNKNOWN:
            return None
        raise
    try:
        return os.fstat(relative).st_ino
    finally:
        os.close(relative)


def _known(request: int, fd: int, buffer: bytearray) -> bool:
    """Fill `buffer` by an ioctl; False when it does not exist for this kernel or kind."""
    try:
        fcntl.ioctl(fd, request, buffer)
    except OSError as error:
        if error.errno in _UNKNOWN:
            return False
        raise
    return True


def _neighbour(fd: int, request: int) -> int | None:
    try:
        return fcntl.ioctl(fd, request)
    except FileNotFoundError:
        return None


def _walk(fd: int, step: Callable[[int], int | None]) -> Iterator[MountNamespace]:
    current = step(fd)
    while current is not None:
        try:
            info = mount_ns_info(current)
            if info is not None:
                yield MountNamespace(current, os.fstat(current).st_ino, info.id, info.mounts)
            following = step(current)
        finally:
            os.close(current)
        current = following
