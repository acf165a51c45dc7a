"""System calls that Python 3.11 has no function for, by the C library's.

What calls them is imported with the first call: many commands need none of this.
"""

from __future__ import annotations

import os
import struct

from nsview.light import cache
from nsview.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsview.kernel import foreign

# Numbers from 424 on are the same on every architecture but alpha and mips
# (include/uapi/asm-generic/unistd.h); older calls are made by their name in the C library.
OPENAT2: Final = 437
PIDFD_GETFD: Final = 438
STATMOUNT: Final = 457
LISTMOUNT: Final = 458
LISTNS: Final = 470

CLONE_FS: Final = 0x200
"""For unshare(): a thread with its own root and working directory may enter a mount namespace."""

RESOLVE_NO_XDEV: Final = 0x01
RESOLVE_NO_MAGICLINKS: Final = 0x02
RESOLVE_NO_SYMLINKS: Final = 0x04
RESOLVE_BENEATH: Final = 0x08
RESOLVE_IN_ROOT: Final = 0x10

_OPEN_HOW: Final = struct.Struct("=QQQ")  # struct open_how: flags, mode, resolve


def load() -> None:
    """Import what all calls here take, while there is time for it."""
    _libc()


def syscall(number: int, *arguments: int | bytes | bytearray | None) -> int:
    """Make a system call and return its result; raises OSError with the errno of a failed one.

    A bytearray is passed as the address of its memory, for the kernel to read or fill; bytes are
    for reading alone.
    """
    from nsview.kernel import foreign

    result: int = _libc().syscall(foreign.c_long(number), *map(_argument, arguments))
    if result == -1:
        raise _error()
    return result


def setns(fd: int, flags: int = 0) -> None:
    """Move the calling *thread* into the namespace(s) of `fd` (setns(2))."""
    if _libc().setns(fd, flags) == -1:
        raise _error()


def unshare(flags: int) -> None:
    """Give the calling *thread* namespaces (or, with CLONE_FS, a root and cwd) of its own."""
    if _libc().unshare(flags) == -1:
        raise _error()


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """Duplicate the descriptor `fd` of another process; close-on-exec (Linux 5.6).

    Needs the rights to ptrace it: else EPERM.
    """
    return syscall(PIDFD_GETFD, pidfd, fd, 0)


def getsockopt(fd: int, level: int, option: int, value: bytearray) -> None:
    """Fill `value`, whose content is the question (socket.getsockopt() can pass none)."""
    from nsview.kernel import foreign

    size = foreign.c_uint(len(value))
    if _libc().getsockopt(fd, level, option, _argument(value), foreign.byref(size)) == -1:
        raise _error()


def openat2(dir_fd: int, path: str, flags: int, resolve: int) -> int:
    """Open `path` below `dir_fd` with RESOLVE_* (Linux 5.6); close-on-exec in any case."""
    how = _OPEN_HOW.pack(flags | os.O_CLOEXEC, 0, resolve)
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError("embedded null byte")  # as os.open does
    return syscall(OPENAT2, dir_fd, name + b"\0", how, len(how))


@cache
def _libc() -> foreign.CDLL:
    from nsview.kernel import foreign

    libc = foreign.CDLL(None, use_errno=True)
    libc.syscall.restype = foreign.c_long
    return libc


def _argument(value: int | bytes | bytearray | None) -> object:
    from nsview.kernel import foreign

    if isinstance(value, int):
        return foreign.c_long(value)
    if isinstance(value, bytearray):
        return (foreign.c_char * len(value)).from_buffer(value)
    return foreign.c_char_p(value)


def _error() -> OSError:
    from nsview.kernel import foreign

    number = foreign.get_errno()
    return OSError(number, os.strerror(number))
