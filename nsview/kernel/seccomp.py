"""The seccomp filters of another process: PTRACE_SECCOMP_GET_FILTER, ptrace(2), seccomp(2).

It takes CAP_SYS_ADMIN, a reader without a filter of its own, a kernel with
CONFIG_CHECKPOINT_RESTORE, and a process that is stopped for as long as its filters are read: some
milliseconds. A reader that ends lets go of the process, however it ends.
"""

from __future__ import annotations

import errno
import os
import sys
import time

from nsview.kernel import foreign
from nsview.kernel.libc import FILTER_BYTES

_PTRACE_SEIZE = 0x4206
_PTRACE_INTERRUPT = 0x4207
_PTRACE_DETACH = 17
_PTRACE_SECCOMP_GET_FILTER = 0x420C
_PTRACE_EVENT_STOP = 128
_EVENT_AT = 16
_WALL = 0x40000000
_PATIENCE_SECONDS = 1.0
_PAUSE_SECONDS = 0.0005

_BPF_RET_K = 0x06
_RET_ACTION = 0xFFFF0000
_RET_USER_NOTIF = 0x7FC00000

_ptrace = foreign.CDLL(None, use_errno=True).ptrace
_ptrace.restype = foreign.c_long
_ptrace.argtypes = (foreign.c_long, foreign.c_long, foreign.c_void_p, foreign.c_void_p)


def read_filters(pid: int) -> list[bytes]:
    """The filters of a process, oldest first, as arrays of struct sock_filter.

    Stops the process for a moment. Raises OSError: EPERM when it may not be traced (it may have a
    tracer already), EACCES without the rights, EIO when the kernel cannot tell, ETIMEDOUT when it
    does not stop. To be called in a process that ends soon: only that surely lets go.
    """
    _call(_PTRACE_SEIZE, pid)
    _call(_PTRACE_INTERRUPT, pid)
    signal = _wait_until_stopped(pid)
    filters: list[bytes] = []
    try:
        while True:
            try:
                length = _call(_PTRACE_SECCOMP_GET_FILTER, pid, len(filters))
            except FileNotFoundError:  # that was the last
                return filters
            buffer = foreign.create_string_buffer(length * FILTER_BYTES)
            _call(_PTRACE_SECCOMP_GET_FILTER, pid, len(filters), foreign.addressof(buffer))
            filters.append(buffer.raw)
    finally:
        _call(_PTRACE_DETACH, pid, 0, signal)


def asks_a_supervisor(instructions: bytes) -> bool:
    """Say whether a filter can hand a call to a supervisor: whoever copies it gets none."""
    for at in range(0, len(instructions), FILTER_BYTES):
        code = int.from_bytes(instructions[at : at + 2], sys.byteorder)
        value = int.from_bytes(instructions[at + 4 : at + FILTER_BYTES], sys.byteorder)
        if code == _BPF_RET_K and value & _RET_ACTION == _RET_USER_NOTIF:
            return True
    return False


def _wait_until_stopped(pid: int) -> int:
    """Wait for a stop; returns the signal that it kept from being delivered, or 0."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (stop := os.waitpid(pid, os.WNOHANG | _WALL))[0] == 0:
        if time.monotonic() > deadline:
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        time.sleep(_PAUSE_SECONDS)
    status = stop[1]
    if not os.WIFSTOPPED(status):
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    return 0 if status >> _EVENT_AT == _PTRACE_EVENT_STOP else os.WSTOPSIG(status)


def _call(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    result: int = _ptrace(request, pid, address, data)
    if result == -1:
        number = foreign.get_errno()
        raise OSError(number, os.strerror(number))
    return result
