"""One thread looks at the host for the whole UI: no key press ever waits for the kernel."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from textual.message import Message

from nsview.host.model import Snapshot
from nsview.host.news import News
from nsview.kernel.procfs import Procfs
from nsview.tui.cost import Meter
from nsview.tui.garbage import Garbage
from nsview.tui.pace import Pace
from nsview.tui.watch import Subscribe, Watch

#: Looking more often costs the host more than it tells anybody.
SHORTEST_INTERVAL = 0.5

Job = Callable[[Procfs, Snapshot], Any]
"""Reads what a snapshot does not hold."""


class Source(Protocol):
    """What is looked at: a `nsview.host.host.Host`, or what a test makes of it."""

    procfs: Procfs

    def snapshot(
        self,
        *,
        commands: bool = False,
        stopped: bool = False,
        resources: bool = False,
        traffic: bool = False,
    ) -> Snapshot:
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
    The next snapshot is due `interval` after the last one *ended*: a slow host is not pressed. It
    comes sooner when a container starts or ends, where `subscribe` lets us know, and mostly when
    any other process does: see `Pace`.
    """

    def __init__(
        self,
        source: Source,
        post: Callable[[Message], object],
        interval: float = 2.0,
        subscribe: Subscribe | None = None,
    ) -> None:
        self.interval = max(interval, SHORTEST_INTERVAL)
        self.garbage: Garbage | None = None
        """Looks for it between two looks; None where the interpreter does by itself."""
        self._source = source
        self._post = post
        self._subscribe = subscribe
        self._lock = threading.Lock()
        self._watch = Watch()
        self._pace = Pace(self.interval)
        self._news = News(source.procfs)
        self._jobs: deque[tuple[Job, Snapshot, Callable[[Any], object]]] = deque()
        self._forced = False
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
        with self._changing():
            self._stopped = True

    @property
    def frozen(self) -> bool:
        """No snapshots until thawed, but for `look_now`."""
        return self._frozen

    def freeze(self, frozen: bool) -> None:
        """Keep what is on the screen, or go on."""
        with self._changing():
            self._frozen = frozen

    def suspend(self, suspended: bool) -> None:
        """Read nothing at all while another program has the terminal."""
        with self._changing():
            self._suspended = suspended

    def look_now(self) -> None:
        """A snapshot as soon as possible, frozen or not."""
        with self._changing():
            self._forced = True

    def submit(self, job: Job, snapshot: Snapshot, receive: Callable[[Any], object]) -> None:
        """Do `job`, then have the UI call `receive` with its result.

        A job that is still waiting for the same receiver is replaced: only the newest counts.
        """
        with self._changing():
            waiting = [one for one in self._jobs if one[2] != receive]
            self._jobs = deque([*waiting, (job, snapshot, receive)])

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            yield
        self._watch.ring()

    def _run(self) -> None:
        while (step := self._next()) is not None:
            try:
                message = step()
            # The one place where everything is caught: what went wrong is shown by the UI, and
            # an exception that ended this thread would freeze the screen without a word.
            except Exception as error:
                message = ScanFailed(error)
            if self.garbage is not None:
                self.garbage.keep()
            self._post(message)
            if self._subscribe is not None:  # not before there is something on the screen
                self._watch.subscribe(self._subscribe)
                self._subscribe = None
        self._watch.close()

    def _next(self) -> Callable[[], Message] | None:
        pace = self._pace
        while True:
            with self._lock:
                if self._stopped:
                    return None
                if self._jobs and not self._suspended:
                    return partial(self._work, *self._jobs.popleft())
                rests = self._suspended or (self._frozen and not self._forced)
                forced = self._forced
            now = time.monotonic()
            if rests:
                self._watch.wait(None, for_events=False)
            elif forced or pace.due <= now:
                return self._look
            elif pace.settled <= now:
                news = self._news.are_among(self._watch.take_events())
                pace.hurry(time.monotonic(), news=news)
            elif self._watch.wait(min(pace.due, pace.settled) - now, for_events=pace.listens):
                pace.heard(time.monotonic())

    def _work(self, job: Job, snapshot: Snapshot, receive: Callable[[Any], object]) -> Message:
        meter = Meter()
        try:
            return JobDone(receive, job(self._source.procfs, snapshot))
        finally:
            cost = meter.cost()
            self._pace.worked(cost.ended, cost.computed)

    def _look(self) -> Message:
        with self._lock:
            self._forced = False
        if self.garbage is not None:
            self.garbage.collect()
        self._watch.take_events()  # whatever has happened until now will be seen
        meter = Meter()
        try:
            # Command lines and stopped containers are cached or cheap, and views switch between
            # showing and hiding them without waiting.
            snapshot = self._source.snapshot(
                commands=True, stopped=True, resources=True, traffic=True
            )
            self._news.looked(snapshot)
            return Scanned(snapshot)
        finally:
            cost = meter.cost()
            self._pace.looked(cost.ended, cost.computed)
