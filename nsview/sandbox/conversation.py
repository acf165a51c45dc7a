"""What the launching process of a sandbox tells, message by message, of how that fares."""

from __future__ import annotations

import errno
import marshal
import os
import sys

# The C half of socket: the other makes enums of all its constants, for 4 ms.
from _socket import CMSG_SPACE, socket

from nsview.errors import NsviewError
from nsview.sandbox.outcome import CANNOT_EXECUTE, NOT_FOUND, Outcome
from nsview.typed import Callable, Final

_NOT_FOUND_ERRORS: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_SIGNALLED: Final = 128
_LARGEST_MESSAGE: Final = 64 * 1024
_INT_BYTES: Final = 4


class Conversation:
    """Our side of it."""

    def __init__(self, outcome: Outcome, status: socket) -> None:
        self.outcome = outcome
        self.status = status
        self.running = True
        self.ready = False
        self.started = False
        self.ended = False
        self.master = -1
        self.failure: NsviewError | None = None

    def hear(self) -> None:
        """Take one message."""
        data, ancillary, _, _ = self.status.recvmsg(_LARGEST_MESSAGE, CMSG_SPACE(_INT_BYTES))
        if not data:
            self.running = False
            return
        kind, *values = marshal.loads(data)  # noqa: S302 - our own child, until it is the command
        if kind == "pid":
            self.outcome.pid = values[0]
        elif kind == "ready":
            self.ready = True
            for _, _, descriptor in ancillary:
                self.master = int.from_bytes(descriptor[:_INT_BYTES], sys.byteorder)
                os.set_inheritable(self.master, False)
        elif kind == "started":
            self.started = True
        elif kind == "failed":
            self.failure = NsviewError(_because(values[0], values[1]))
        elif kind == "exec":
            self.outcome.exec_error = values[0]
        elif kind == "ended":
            self.ended = True
            self._end(values[0], values[1])

    def _end(self, code: int, kills: int) -> None:
        self.running = False
        outcome = self.outcome
        outcome.status = code if code >= 0 else _SIGNALLED - code
        outcome.signal = -code if code < 0 else None
        outcome.oom_kills = kills
        if outcome.exec_error is not None:
            missing = outcome.exec_error in _NOT_FOUND_ERRORS
            outcome.status = NOT_FOUND if missing else CANNOT_EXECUTE
            outcome.signal = None

    def hear_until(self, condition: Callable[[], bool]) -> bool:
        """Take messages until it is so; False when it will not be."""
        while not condition():
            if not self.running or self.failure is not None:
                return False
            self.hear()
        return True


def _because(what: str, number: int) -> str:
    return f"{what} ({os.strerror(number)})" if number else what
