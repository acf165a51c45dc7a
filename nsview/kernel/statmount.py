"""The mount table of any mount namespace, processes or not: listmount(2) and statmount(2).

By id alone, with no descriptor held and no setns: other namespaces since Linux 6.11, source and
subtype since 6.13. include/uapi/linux/mount.h.
"""

from __future__ import annotations

import errno
import os
import struct

from nsview.kernel.mountinfo import Mount, Propagation, split_options, split_type
from nsview.kernel.syscalls import LISTMOUNT, STATMOUNT, syscall
from nsview.typed import Final

# struct mnt_id_req, version 1: size, spare, mnt_id, param, mnt_ns_id.
_REQUEST: Final = struct.Struct("=IIQQQ")
# struct statmount up to sb_source, and where its strings begin.
_FIXED: Final = struct.Struct("=IIQIIQIIQQIIQQQQQIIQII")
_STRINGS: Final = 512
_ID: Final = struct.Struct("=Q")

_LSMT_ROOT: Final = 0xFFFFFFFFFFFFFFFF
_ROOM: Final = 512  # ids asked for at once
_FIRST_BUFFER: Final = 8 * 1024
_LARGEST_BUFFER: Final = 1024 * 1024  # option strings end at some pages; this is beyond all reason

_SB_BASIC: Final = 0x001
_MNT_BASIC: Final = 0x002
_PROPAGATE_FROM: Final = 0x004
_MNT_ROOT: Final = 0x008
_MNT_POINT: Final = 0x010
_FS_TYPE: Final = 0x020
_MNT_OPTS: Final = 0x080
_FS_SUBTYPE: Final = 0x100
_SB_SOURCE: Final = 0x200
_ALL: Final = (
    _SB_BASIC | _MNT_BASIC | _PROPAGATE_FROM | _MNT_ROOT | _MNT_POINT | _FS_TYPE | _MNT_OPTS
) | (_FS_SUBTYPE | _SB_SOURCE)

_MS_SHARED: Final = 0x100000
_MS_UNBINDABLE: Final = 0x20000
_ATIME: Final = 0x70  # MOUNT_ATTR__ATIME; 0 of it is relatime
_RDONLY: Final = 0x1

# In the order in which fs/proc_namespace.c prints them.
_OPTIONS: Final = (
    (0x000002, "nosuid"),
    (0x000004, "nodev"),
    (0x000008, "noexec"),
    (0x000010, "noatime"),
    (0x000080, "nodiratime"),
)
_LATE_OPTIONS: Final = ((0x200000, "nosymfollow"), (0x100000, "idmapped"))
_SUPER_OPTIONS: Final = (
    (0x00000010, "sync"),
    (0x00000080, "dirsync"),
    (0x00000040, "mand"),
    (0x02000000, "lazytime"),
)
#: No such system call, a request longer than the kernel knows, a seccomp filter.
_LACKING: Final = frozenset({errno.ENOSYS, errno.E2BIG, errno.EINVAL})


def read_mounts(mnt_ns_id: int) -> tuple[Mount, ...] | None:
    """Return the mount table of a mount namespace as its mountinfo would have it.

    None where the kernel lacks the calls. Raises PermissionError where it forbids them, and
    FileNotFoundError when the namespace is gone or has no mount but its root. A mount that goes
    while we read is left out. Mount points are seen from the root of the namespace, and a table
    that changes meanwhile may be torn.
    """
    try:
        ids = list_mounts(mnt_ns_id)
    except OSError as error:
        if error.errno in _LACKING:
            return None
        raise
    mounts = (stat_mount(one, mnt_ns_id) for one in ids)
    return tuple(mount for mount in mounts if mount is not None)


def list_mounts(mnt_ns_id: int) -> list[int]:
    """Return the unique ids of all mounts of a namespace, the oldest first."""
    ids: list[int] = []
    buffer = bytearray(_ROOM * _ID.size)
    while True:
        last = ids[-1] if ids else 0
        request = _REQUEST.pack(_REQUEST.size, 0, _LSMT_ROOT, last, mnt_ns_id)
        count = syscall(LISTMOUNT, request, buffer, _ROOM, 0)
        ids += (number for (number,) in _ID.iter_unpack(buffer[: count * _ID.size]))
        if count < _ROOM:
            return ids


def stat_mount(mount_id: int, mnt_ns_id: int) -> Mount | None:
    """Return one mount by its unique id; None when it is gone, or above the namespace's root."""
    request = _REQUEST.pack(_REQUEST.size, 0, mount_id, _ALL, mnt_ns_id)
    size = _FIRST_BUFFER
    while True:
        buffer = bytearray(size)
        try:
            syscall(STATMOUNT, request, buffer, size, 0)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno != errno.EOVERFLOW or size >= _LARGEST_BUFFER:
                raise
            size *= 4
        else:
            return parse_statmount(bytes(buffer))


def parse_statmount(data: bytes) -> Mount:
    """Return the mount that a struct statmount describes; ValueError when it is cut short."""
    if len(data) < _STRINGS:
        raise ValueError(f"struct statmount of {len(data)} bytes")
    (
        _, options_at, mask, major, minor, _, sb_flags, type_at, unique, _, number, parent,
        attributes, flags, peer_group, master, propagate_from, root_at, target_at, _,
        subtype_at, source_at,
    ) = _FIXED.unpack_from(data)  # fmt: skip

    def string(bit: int, offset: int) -> str:
        if not mask & bit:
            return ""
        start = _STRINGS + offset
        end = data.find(b"\0", start)
        return os.fsdecode(data[start : end if end >= 0 else len(data)])

    fstype, subtype = split_type(string(_FS_TYPE, type_at))
    return Mount(
        id=number,
        parent=parent,
        major=major,
        minor=minor,
        root=string(_MNT_ROOT, root_at),
        target=string(_MNT_POINT, target_at),
        fstype=fstype,
        subtype=string(_FS_SUBTYPE, subtype_at) or subtype,
        source=string(_SB_SOURCE, source_at),
        options=_mount_options(attributes),
        super_options=_super_options(sb_flags, string(_MNT_OPTS, options_at)),
        propagation=Propagation(
            shared=peer_group if flags & _MS_SHARED else None,
            master=master or None,
            propagate_from=propagate_from if propagate_from not in (0, master) else None,
            unbindable=bool(flags & _MS_UNBINDABLE),
        ),
        unique_id=unique,
    )


def _mount_options(attributes: int) -> tuple[str, ...]:
    words = ["ro" if attributes & _RDONLY else "rw"]
    words += (word for bit, word in _OPTIONS if attributes & bit)
    if not attributes & _ATIME:
        words.append("relatime")
    words += (word for bit, word in _LATE_OPTIONS if attributes & bit)
    return tuple(words)


def _super_options(flags: int, own: str) -> tuple[str, ...]:
    """Join the generic flags and the file system's own text, which is escaped as in mountinfo."""
    words = ["ro" if flags & _RDONLY else "rw"]
    words += (word for bit, word in _SUPER_OPTIONS if flags & bit)
    return (*words, *split_options(own))
