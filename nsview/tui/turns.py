"""The UI's thread is not held up by the scanner's: who waits for the interpreter, and how long.

Only one thread runs at a time. One that wants to, and has waited for a while
(`sys.setswitchinterval`), has the other one stop. With two that compute, each gets half of the
time, so a picture takes twice as long while the host is looked at. But the waiting may differ: what
counts is the time that is set when a thread begins to wait.
"""

from __future__ import annotations

import asyncio
import select
import selectors
import sys
from typing import Any, Final

from nsview.kernel.libc import read_at_once

#: Seconds that the UI waits when there is something to do. The scanner computes for tens of
#: milliseconds where there are thousands of processes; Python's own 5 ms would be felt.
_UI_WAITS: Final = 0.0005
#: Seconds that others wait while the UI works, and it for them should they have waited so long:
#: hardly any picture takes that long.
_OTHERS_WAIT: Final = 0.004
#: A byte a message of another thread, or a signal.
_BYTES_AT_ONCE: Final = 256


class Turns(asyncio.SelectorEventLoop):
    """The UI's event loop: at rest it lets go of the interpreter, and then wants it back."""

    def __init__(self) -> None:
        super().__init__(_Selector())

    def _read_from_self(self) -> None:
        # What another thread woke us up with, in the midst of our work: asyncio's way to read it,
        # the same in Python 3.11, 3.12 and 3.13, lets go of the interpreter twice. What is left
        # wakes us up again.
        fd = self._ssock.fileno()  # type: ignore[attr-defined]  # known to Python alone
        data = read_at_once(fd, _BYTES_AT_ONCE)
        self._process_self_data(data)  # type: ignore[attr-defined]  # signals


class _Selector(selectors.EpollSelector):
    def __init__(self) -> None:
        super().__init__()
        epoll: Any = self._selector  # type: ignore[has-type]  # known to Python alone
        self._selector = _Epoll(epoll)


class _Epoll:
    """An epoll object that says how long to wait for a turn.

    Who had to stop for us begins to wait for its next turn some microseconds after we have ours:
    the time has to be set by then, and a selector's `select` returns too late.
    """

    def __init__(self, epoll: select.epoll) -> None:
        self._poll = epoll.poll
        self._epoll = epoll

    def __getattr__(self, name: str) -> Any:
        return getattr(self._epoll, name)

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        sys.setswitchinterval(_UI_WAITS)
        try:
            return self._poll(timeout, most)
        finally:
            sys.setswitchinterval(_OTHERS_WAIT)
