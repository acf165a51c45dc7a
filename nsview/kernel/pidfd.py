"""Hold a process by a descriptor (pidfd_open(2)), and take descriptors out of it.

A PID may be another process the next moment; a pidfd never is.
"""

from __future__ import annotations

import errno
import fcntl
import os

from nsview.kernel.stat import parse_stat
from nsview.kernel.syscalls import pidfd_getfd
from nsview.light import signal
from nsview.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

_SIOCGSKNS: Final = 0x894C  # Linux 4.10, include/uapi/linux/sockios.h


def open_process(pid: int, start_time: int, procfs: Procfs) -> int:
    """Return a pidfd of exactly that process; the caller closes it.

    `start_time` is `Task.start_time`: with the pid it is an identity. `procfs` must be that of our
    own pid namespace. Raises ProcessLookupError when the process is gone, its PID reused or not.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):  # a thread has this number now
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
        raise
    try:
        # The pid cannot be reused between these two and come out with an *older* start time.
        stat = procfs.read(pid, "stat")
        if stat is None or parse_stat(stat).start_time != start_time:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    except BaseException:
        os.close(pidfd)
        raise
    return pidfd


def send_signal(pidfd: int, number: int) -> None:
    """Send a signal; ProcessLookupError when the process has ended, whoever has its PID now."""
    signal.pidfd_send_signal(pidfd, number)


def duplicate_descriptor(pidfd: int, fd: int) -> int:
    """Return a copy of a descriptor of the process (Linux 5.6); the caller closes it.

    PermissionError when ptrace is denied; OSError EBADF when it has no such descriptor.
    """
    return pidfd_getfd(pidfd, fd)


def socket_netns(fd: int) -> int:
    """Return a new descriptor of the network namespace that a socket is in; the caller closes it.

    Raises OSError ENOTTY when `fd` is no socket, PermissionError without CAP_NET_ADMIN over there.
    """
    return fcntl.ioctl(fd, _SIOCGSKNS)
