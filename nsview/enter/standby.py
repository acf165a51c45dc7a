"""A helping process that starts while we still find out what for, and waits to be told.

Starting it takes about as long as that, and hosts have more than one processor. It is the first
thing that `enter` and `run` do: so little is imported here.
"""

from __future__ import annotations

import marshal
import os
import select
import sys

# The C half of socket: the other makes enums of all its constants, for 4 ms.
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socketpair

from nsview.enter.spawn import own_standard_streams, spawn
from nsview.errors import NsviewError
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

#: Modules of such processes.
JOINER = "nsview.enter.joiner"
LAUNCHER = "nsview.sandbox.launcher"
_GREETING_BYTES = 64
#: Of SCM_MAX_FD (include/net/scm.h), 253.
_AT_ONCE = 250
_INT_BYTES = 4


class Standby:
    """The process, which ends with the block of a ``with`` unless it has been told what to do."""

    def __init__(self, module: str = JOINER) -> None:
        self._module = module
        own_standard_streams()
        self.status, self._far_status = socketpair(AF_UNIX, SOCK_SEQPACKET)
        self.far_number = self._far_status.fileno()
        """By which number the process knows its end of `status`."""
        self.sealed = True
        """It runs on a copy of the interpreter."""
        self.pid = self._spawn()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        told = self._far_status.fileno() < 0
        self.status.close()
        self._far_status.close()
        if self.pid is not None and not told:
            try:
                os.waitpid(self.pid, 0)
            except ChildProcessError:  # SIGCHLD is ignored
                return

    def tell(self, orders: Mapping[str, object], descriptors: Iterable[int]) -> int:
        """Send orders, and the `descriptors` that they name; returns the PID of who has them.

        Raises `NsviewError` when it did not start.
        """
        pid = self._wait_for_greeting()
        if pid is None and self.sealed:
            # An interpreter that finds its library by its own place ($ORIGIN) is lost in a memfd.
            self.sealed = False
            self.pid = self._spawn()
            pid = self._wait_for_greeting()
        if pid is None:
            raise NsviewError("the helping process did not start")
        paper = _write(orders)
        try:
            self._send([paper, *dict.fromkeys(descriptors)])
        finally:
            os.close(paper)
        self._far_status.close()
        return pid

    def _send(self, numbers: list[int]) -> None:
        """Each message has descriptors, their numbers, and how many are still to come."""
        while numbers:
            some, numbers = numbers[:_AT_ONCE], numbers[_AT_ONCE:]
            rights = b"".join(fd.to_bytes(_INT_BYTES, sys.byteorder) for fd in some)
            words = marshal.dumps((len(numbers), some))
            self.status.sendmsg([words], [(SOL_SOCKET, SCM_RIGHTS, rights)])

    def _spawn(self) -> int | None:
        return spawn(self._module, self.far_number, sealed=self.sealed)

    def _wait_for_greeting(self) -> int | None:
        """Its PID once it has spoken; None when it has ended instead."""
        if self.pid is None:
            return None
        pidfd = os.pidfd_open(self.pid)
        try:
            poll = select.poll()
            poll.register(self.status.fileno(), select.POLLIN)
            poll.register(pidfd, select.POLLIN)
            if self.status.fileno() in dict(poll.poll()):
                self.status.recv(_GREETING_BYTES)
                return self.pid
        finally:
            os.close(pidfd)
        os.waitpid(self.pid, 0)
        self.pid = None
        return None


def _write(orders: Mapping[str, object]) -> int:
    """A memfd of them."""
    paper = os.memfd_create("orders", os.MFD_CLOEXEC)
    with open(paper, "wb", closefd=False) as file:
        file.write(marshal.dumps(dict(orders)))
    os.lseek(paper, 0, os.SEEK_SET)
    return paper
