"""A thread that reads a stack of layers for the UI, one job after another, and stops when told.

The scanner's thread looks at the host every two seconds; a walk over a million files must not make
it late, and neither may a directory that is to be shown wait for that walk: each gets a thread.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from textual.message import Message

from nsview.layers.merge import MergedTree
from nsview.layers.sizes import Cancelled
from nsview.layers.stack import Stack
from nsview.tui.scanner import JobDone, ScanFailed

#: Partial results are shown at most so often.
_REPORT_SECONDS = 0.2

Receive = Callable[[Any], object]


class Reading:
    """What a job works with; only the reader's thread uses it."""

    def __init__(
        self, tree: MergedTree, receive: Receive, post: Callable[[Message], object]
    ) -> None:
        self.tree = tree
        self._receive = receive
        self._post = post
        self._stop = False
        self._reported = time.monotonic()

    def stopped(self) -> bool:
        """Nobody waits for the result any more."""
        return self._stop

    def stop(self) -> None:
        """Say so; any thread may."""
        self._stop = True

    def report(self, partial: Callable[[], Any]) -> None:
        """Have `partial()` received, unless something was only a moment ago."""
        now = time.monotonic()
        if now - self._reported >= _REPORT_SECONDS:
            self._reported = now
            self.give(partial())

    def give(self, result: Any) -> None:
        """Have the UI's thread call the receiver, unless nobody waits."""
        if not self._stop:
            self._post(JobDone(self._receive, result))


Job = Callable[[Reading], Any]
"""May end with `nsview.layers.sizes.Cancelled` once it is `stopped`: nobody gets a result."""
Failed = Callable[[str], Any]
"""The result of a job that raised, made of what there is to say about that."""


class _Waiting(NamedTuple):
    key: Hashable
    job: Job
    receive: Receive
    failed: Failed | None


class TreeReader:
    """Reads one stack, in a thread that lives as long as there is something to do.

    Then no directory stays open: an open one keeps its file system from being unmounted, and so an
    engine from removing the container.
    """

    def __init__(
        self, stack: Stack, post: Callable[[Message], object], *, tidies_up: bool = False
    ) -> None:
        """`tidies_up`: its jobs have something to clean up, so the program waits for their end."""
        self._stack = stack
        self._post = post
        # Else a daemon: a read that the kernel never answers (FUSE, NFS) does not keep us here.
        self._daemon = not tidies_up
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._running: Reading | None = None
        self._alive = False
        self._closed = False

    def submit(
        self, key: Hashable, job: Job, receive: Receive, failed: Failed | None = None
    ) -> None:
        """Do `job`, then have the UI call `receive`; replaces one of that key that still waits.

        `failed`: what is received when the job raises, so that nobody waits for ever.
        """
        with self._lock:
            if self._closed:
                return
            self._waiting = deque(one for one in self._waiting if one.key != key)
            self._waiting.append(_Waiting(key, job, receive, failed))
            if not self._alive:
                self._alive = True
                threading.Thread(target=self._run, name="nsview-tree", daemon=self._daemon).start()

    def cancel(self) -> None:
        """Forget what waits, and stop what runs."""
        with self._lock:
            self._waiting.clear()
            if self._running is not None:
                self._running.stop()

    def close(self) -> None:
        """Cancel, and take no more; does not wait for the end of what runs."""
        with self._lock:
            self._closed = True
        self.cancel()

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        with self._lock:
            return not self._alive

    def _run(self) -> None:
        with MergedTree(self._stack) as tree:
            while (step := self._next(tree)) is not None:
                self._do(*step)

    def _next(self, tree: MergedTree) -> tuple[Job, Reading, Failed | None] | None:
        with self._lock:
            if not self._waiting:
                self._running = None
                self._alive = False
                return None
            _, job, receive, failed = self._waiting.popleft()
            self._running = Reading(tree, receive, self._post)
            return job, self._running, failed

    def _do(self, job: Job, reading: Reading, failed: Failed | None) -> None:
        try:
            with contextlib.suppress(Cancelled):
                reading.give(job(reading))
        # As in the scanner: the UI shows what went wrong, and the thread goes on.
        except Exception as error:
            self._post(ScanFailed(error))
            if failed is not None:
                reading.give(failed(f"{type(error).__name__}: {error}"))
