"""What the scanner's thread waits for between two looks: a bell, and process events."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from nsview.errors import NsviewError
from nsview.kernel.libc import ring_eventfd
from nsview.kernel.process_events import Event


class Events(Protocol):
    """Something that becomes readable when processes start or end."""

    def fileno(self) -> int:
        """For poll(2)."""

    def read(self) -> Sequence[Event]:
        """Take all that has been told."""

    def close(self) -> None:
        """No more of it."""


Subscribe = Callable[[], Events]
"""Raises `NsviewError` where the kernel tells nothing: then only the rhythm counts."""


class Watch:
    """One thread waits, any other one rings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._events: Events | None = None

    def ring(self) -> None:
        """End the wait, or the next one."""
        with self._lock:
            if self._bell >= 0:
                ring_eventfd(self._bell)

    def subscribe(self, subscribe: Subscribe) -> None:
        """Wait for events too from now on, if they can be had."""
        try:
            self._events = subscribe()
        except NsviewError:
            self._events = None

    def take_events(self) -> Sequence[Event]:
        """Whatever has happened until now and nobody has taken."""
        try:
            return self._events.read() if self._events is not None else ()
        except OSError:
            self._drop_events()
            return ()

    def wait(self, seconds: float | None, *, for_events: bool) -> bool:
        """Wait until it rings, for at most so long. True: there are events to take."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        events = self._events.fileno() if self._events is not None and for_events else -1
        if events >= 0:
            poll.register(events, select.POLLIN)
        ready = [fd for fd, _ in poll.poll(None if seconds is None else max(0.0, seconds) * 1000)]
        if self._bell in ready:
            os.eventfd_read(self._bell)
        return events in ready

    def close(self) -> None:
        """The waiting thread has ended; ringing does nothing from now on."""
        with self._lock:
            os.close(self._bell)
            self._bell = -1
        self._drop_events()

    def _drop_events(self) -> None:
        if self._events is not None:
            self._events.close()
            self._events = None
