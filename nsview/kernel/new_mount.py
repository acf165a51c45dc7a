"""Mounts made by descriptors, where no path can be swapped or misread on the way.

fsopen(2), fsconfig(2), fsmount(2), Linux 5.2; mount_setattr(2), Linux 5.12; pivot_root(2). Like
`kernel.libc`, of which this is the other half, it imports nothing that takes time.
"""

from __future__ import annotations

import os
import struct

from nsview.kernel import libc

# include/uapi/linux/mount.h
READ_ONLY = 0x1
NO_SETUID = 0x2
NO_DEVICES = 0x4
NO_PROGRAMS = 0x8
_MAPPED = 0x100000
_PRIVATE = 0x40000

# The same on every architecture (include/uapi/asm-generic/unistd.h).
_FSOPEN = 430
_FSCONFIG = 431
_FSMOUNT = 432
_OPENAT2 = 437
_MOUNT_SETATTR = 442
#: pivot_root, keyctl: older than that agreement.
_OLDER = {"x86_64": (155, 250), "armv7l": (218, 311), "i686": (217, 288)}
_OLDER_GENERIC = (41, 219)

_CLOEXEC = 1
_SET_FLAG = 0
_SET_STRING = 1
_SET_FD = 5
_CREATE = 6
_AT_RECURSIVE = 0x8000
_AT_EMPTY_PATH = 0x1000
_IN_ROOT = 0x10
_NO_MAGIC_LINKS = 0x2
_JOIN_SESSION_KEYRING = 1


def new_file_system(
    kind: bytes, options: list[tuple[bytes, bytes | int | None]], attributes: int
) -> int:
    """A new instance of a file system, as a mount that is nowhere yet; returns its root directory.

    An option's value is text, a descriptor, or None for a flag. Its source is called as its kind.
    """
    context = libc.system_call(_FSOPEN, kind, _CLOEXEC)
    try:
        for key, value in [(b"source", kind), *options]:
            if value is None:
                libc.system_call(_FSCONFIG, context, _SET_FLAG, key, None, 0)
            elif isinstance(value, int):
                libc.system_call(_FSCONFIG, context, _SET_FD, key, None, value)
            else:
                libc.system_call(_FSCONFIG, context, _SET_STRING, key, value, 0)
        libc.system_call(_FSCONFIG, context, _CREATE, None, None, 0)
        return libc.system_call(_FSMOUNT, context, _CLOEXEC, attributes)
    finally:
        os.close(context)


def set_attributes(mount: int, attributes: int) -> None:
    """Add attributes to a mount and to all below it, and let nothing that is mounted there out.

    A copy of a shared mount is its peer: what is mounted on the one is on the other as well.
    """
    wanted = struct.pack("=QQQQ", attributes, 0, _PRIVATE, 0)
    flags = _AT_EMPTY_PATH | _AT_RECURSIVE
    libc.system_call(_MOUNT_SETATTR, mount, b"", flags, wanted, len(wanted))


def map_owners(mount: int, user_namespace: int) -> None:
    """Show the owners of a detached mount's files as those ids are mapped in a user namespace.

    What is mounted on it stays there, as with `set_attributes`. Linux 5.12, as a layer of an
    overlay 5.19; OSError EINVAL from a file system that cannot.
    """
    wanted = struct.pack("=QQQQ", _MAPPED, 0, _PRIVATE, user_namespace)
    libc.system_call(_MOUNT_SETATTR, mount, b"", _AT_EMPTY_PATH, wanted, len(wanted))


def open_in_root(root: int, path: bytes, flags: int) -> int:
    """Open what a process sees at `path` whose root directory is `root` (openat2(2), Linux 5.6)."""
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, _IN_ROOT | _NO_MAGIC_LINKS)
    return libc.system_call(_OPENAT2, root, path, how, len(how))


def change_root(root: int) -> None:
    """Make a mount the root of our mount namespace, and let go of what was (pivot_root(2)).

    The old root comes to lie over the new one, and is taken off from there: no directory of the
    new root is needed for it.
    """
    os.fchdir(root)
    libc.system_call(_older()[0], b".", b".")
    libc.unmount(b".")
    os.chdir("/")


def join_new_keyring() -> None:
    """Let go of the keys of the session that we were started in: session-keyring(7)."""
    libc.system_call(_older()[1], _JOIN_SESSION_KEYRING, None)


def _older() -> tuple[int, int]:
    return _OLDER.get(os.uname().machine, _OLDER_GENERIC)
