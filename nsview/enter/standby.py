"""A joining process that starts while we still look for the place, and waits to be told.

Starting it takes about as long as finding and reading whom to join, and hosts have more than one
processor.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select

# The C half of socket: the other makes enums of all its constants, for 4 ms.
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socketpair
from collections.abc import Iterable, Mapping
from struct import pack
from typing import Final, Self

from nsview.enter.spawn import spawn, write_orders
from nsview.enter.streams import own_standard_streams
from nsview.errors import NsviewError

_MODULE: Final = "nsview.enter.joiner"
_GREETING_BYTES: Final = 64


class Standby:
    """The process, which ends with the block of a ``with`` unless it has been told what to do."""

    def __init__(self) -> None:
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
            with contextlib.suppress(ChildProcessError):  # SIGCHLD is ignored
                os.waitpid(self.pid, 0)

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
            raise NsviewError("the joining process did not start")
        numbers = tuple(dict.fromkeys(descriptors))
        paper = write_orders(orders)
        try:
            rights = pack(f"{len(numbers) + 1}i", paper, *numbers)
            self.status.sendmsg([marshal.dumps(numbers)], [(SOL_SOCKET, SCM_RIGHTS, rights)])
        finally:
            os.close(paper)
        self._far_status.close()
        return pid

    def _spawn(self) -> int | None:
        return spawn(_MODULE, self.far_number, (), sealed=self.sealed)

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
