"""One thread looks at the host for the whole UI: no key press ever waits for the kernel."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from textual.message import Message

from nsview.host.model import Snapshot
from nsview.kernel.procfs import Procfs

#: Looking more often costs the host more than it tells anybody.
SHORTEST_INTERVAL = 0.5

Job = Callable[[Procfs, Snapshot], Any]
"""Reads what a snapshot does not hold."""


class Source(Protocol):
    """What is looked at: a `nsview.host.host.Host`, or what a test makes of it."""

    procfs: Procfs

    def snapshot(self, *, commands: bool = False, stopped: bool = False) -> Snapshot:
        """Look now."""


class Scanned(Message):
    """The host was looked at."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class JobDone(Message):
    """What a page asked for has been read."""

    def __init__(self, receive: Callable[[Any], object], result: Any) -> None:
        super().__init__()
        self.receive = receive
        self.result = result


class ScanFailed(Message):
    """Looking, or a job, raised; the thread goes on."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Scanner:
    """Takes a snapshot every `interval` seconds, and does jobs in between, in a daemon thread.

    `post` brings a message to the UI's thread (``App.post_message`` is safe to call from here).
    The next snapshot is due `interval` after the last one *ended*: a slow host is not pressed.
    """

    def __init__(
        self, source: Source, post: Callable[[Message], object], interval: float = 2.0
    ) -> None:
        self.interval = max(interval, SHORTEST_INTERVAL)
        self._source = source
        self._post = post
        self._wake = threading.Condition()
        self._jobs: deque[tuple[Job, Snapshot, Callable[[Any], object]]] = deque()
        self._due = 0.0
        self._frozen = False
        self._suspended = False
        self._stopped = False
        # A daemon: a read that the kernel never answers does not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="nsview-scanner", daemon=True)

    def start(self) -> None:
        """Begin, with a snapshot at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being read now; does not wait for it."""
        with self._wake:
            self._stopped = True
            self._wake.notify()

    @property
    def frozen(self) -> bool:
        """No snapshots until thawed, but for `look_now`."""
        return self._frozen

    def freeze(self, frozen: bool) -> None:
        """Keep what is on the screen, or go on."""
        with self._wake:
            self._frozen = frozen
            self._wake.notify()

    def suspend(self, suspended: bool) -> None:
        """Read nothing at all while another program has the terminal."""
        with self._wake:
            self._suspended = suspended
            self._wake.notify()

    def look_now(self) -> None:
        """A snapshot as soon as possible, frozen or not."""
        with self._wake:
            self._due = -1.0
            self._wake.notify()

    def submit(self, job: Job, snapshot: Snapshot, receive: Callable[[Any], object]) -> None:
        """Do `job`, then have the UI call `receive` with its result.

        A job that is still waiting for the same receiver is replaced: only the newest counts.
        """
        with self._wake:
            waiting = [one for one in self._jobs if one[2] != receive]
            self._jobs = deque([*waiting, (job, snapshot, receive)])
            self._wake.notify()

    def _run(self) -> None:
        while (step := self._next()) is not None:
            try:
                message = step()
            # The one place where everything is caught: what went wrong is shown by the UI, and
            # an exception that ended this thread would freeze the screen without a word.
            except Exception as error:
                message = ScanFailed(error)
            self._post(message)

    def _next(self) -> Callable[[], Message] | None:
        with self._wake:
            while not self._stopped:
                if self._jobs and not self._suspended:
                    job, snapshot, receive = self._jobs.popleft()
                    return lambda: JobDone(receive, job(self._source.procfs, snapshot))
                wait = self._seconds_to_wait()
                if wait is not None and wait <= 0:
                    return self._look
                self._wake.wait(wait)
            return None

    def _seconds_to_wait(self) -> float | None:
        forced = self._due < 0
        if self._suspended or (self._frozen and not forced):
            return None
        return self._due - time.monotonic()

    def _look(self) -> Message:
        try:
            # Command lines and stopped containers are cached or cheap, and views switch between
            # showing and hiding them without waiting.
            return Scanned(self._source.snapshot(commands=True, stopped=True))
        finally:
            with self._wake:
                self._due = time.monotonic() + self.interval
