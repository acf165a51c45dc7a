"""The scanner: one thread, snapshots in a rhythm, jobs in between, failures as messages."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.processes import wait_until
from textual.message import Message
from tui.fake import FakeSource, empty_host

from nsview.errors import NsviewError
from nsview.host.model import Container
from nsview.kernel.process_events import Event
from nsview.tui import pace, scanner
from nsview.tui.cost import Cost
from nsview.tui.garbage import Garbage
from nsview.tui.pace import NEWS_SAVED_LOOKS, SAVED_LOOKS
from nsview.tui.scanner import SHORTEST_INTERVAL, JobDone, ScanFailed, Scanned, Scanner
from nsview.tui.watch import Subscribe

PATIENCE = 60.0


class _Meter:
    """All takes as long, so that no collection of garbage empties an account in passing."""

    def cost(self) -> Cost:
        return Cost(computed=0.02, ended=time.monotonic())


@pytest.fixture(autouse=True)
def everything_takes_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "Meter", _Meter)


class Running:
    """A scanner, and the messages that it posts."""

    def __init__(
        self, interval: float = SHORTEST_INTERVAL, subscribe: Subscribe | None = None
    ) -> None:
        self.source = FakeSource(empty_host())
        self.messages: queue.Queue[Message] = queue.Queue()
        self.scanner = Scanner(self.source, self.messages.put, interval, subscribe)

    def next(self, kind: type[Message]) -> Any:
        """The next message of that kind."""
        while True:
            message = self.messages.get(timeout=PATIENCE)
            if isinstance(message, kind):
                return message


@pytest.fixture
def running() -> Iterator[Running]:
    one = Running()
    yield one
    one.scanner.stop()


def test_interval_has_a_floor() -> None:
    assert Scanner(FakeSource(empty_host()), print, interval=0.0).interval == SHORTEST_INTERVAL


def test_looks_at_once() -> None:
    one = Running(interval=3600)
    one.scanner.start()
    assert one.next(Scanned).snapshot is one.source.current
    one.scanner.stop()


def test_looks_again_after_its_interval(running: Running) -> None:
    began = time.monotonic()
    running.scanner.start()
    for _ in range(2):
        running.next(Scanned)
    assert time.monotonic() - began >= SHORTEST_INTERVAL


def test_failure_is_a_message_and_the_thread_goes_on(running: Running) -> None:
    running.source.failure = ValueError("unforeseen")
    running.scanner.start()

    assert str(running.next(ScanFailed).error) == "unforeseen"
    running.source.failure = None
    running.next(Scanned)


def test_job_runs_in_the_thread_between_looks(running: Running) -> None:
    running.scanner.start()
    snapshot = running.next(Scanned).snapshot
    threads: list[str] = []

    def job(_procfs: object, given: object) -> bool:
        threads.append(threading.current_thread().name)
        return given is snapshot

    running.scanner.submit(job, snapshot, print)

    done = running.next(JobDone)
    assert (done.receive, done.result) == (print, True)
    assert threads == ["nsview-scanner"]


def test_failing_job_is_a_message(running: Running) -> None:
    running.scanner.start()
    running.scanner.submit(lambda *_: 1 / 0, running.source.current, print)

    assert isinstance(running.next(ScanFailed).error, ZeroDivisionError)


def test_waiting_job_is_replaced_by_a_newer_one_for_the_same_receiver(running: Running) -> None:
    running.scanner.suspend(True)
    running.scanner.start()
    for number in range(3):
        running.scanner.submit(lambda *_, n=number: n, running.source.current, print)
    running.scanner.suspend(False)

    assert running.next(JobDone).result == 2
    running.next(Scanned)
    assert all(not isinstance(one, JobDone) for one in running.messages.queue)


def test_suspended_scanner_reads_nothing(running: Running) -> None:
    running.scanner.suspend(True)
    running.scanner.start()
    running.scanner.look_now()

    with pytest.raises(queue.Empty):
        running.messages.get(timeout=2 * SHORTEST_INTERVAL)


def test_frozen_scanner_looks_only_when_told(running: Running) -> None:
    running.scanner.freeze(True)
    running.scanner.start()
    with pytest.raises(queue.Empty):
        running.messages.get(timeout=2 * SHORTEST_INTERVAL)

    running.scanner.look_now()
    running.next(Scanned)
    with pytest.raises(queue.Empty):
        running.messages.get(timeout=2 * SHORTEST_INTERVAL)


def test_garbage_is_looked_for_before_a_look_and_never_in_what_it_made(running: Running) -> None:
    did: list[str] = []

    class Recorded(Garbage):
        def __init__(self) -> None:
            """Leaves the interpreter's own as it is."""

        def collect(self) -> None:
            did.append(f"collect {running.source.looks} {running.messages.qsize()}")

        def keep(self) -> None:
            did.append(f"keep {running.source.looks} {running.messages.qsize()}")

    running.scanner.garbage = Recorded()
    running.scanner.suspend(True)
    running.scanner.start()
    running.scanner.submit(lambda *_: None, running.source.current, print)
    running.scanner.suspend(False)
    wait_until(lambda: len(did) >= 3)

    assert did[:3] == ["keep 0 0", "collect 0 1", "keep 1 1"]


class _Bells:
    """Process events that the test makes up."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.closed = threading.Event()

    def happen(self, pid: int = 1) -> None:
        self._events.put(Event("exec", pid))
        os.eventfd_write(self._fd, 1)

    def fileno(self) -> int:
        return self._fd

    def read(self) -> list[Event]:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._fd)
        events = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append(self._events.get_nowait())
        return events

    def close(self) -> None:
        os.close(self._fd)
        self.closed.set()


@pytest.fixture
def bells() -> _Bells:
    return _Bells()


@pytest.fixture
def listening(bells: _Bells) -> Iterator[Running]:
    """It would look once in an hour, but for events."""
    one = Running(interval=3600, subscribe=lambda: bells)
    one.scanner.start()
    one.next(Scanned)
    yield one
    one.scanner.stop()
    assert bells.closed.wait(PATIENCE)


def test_looks_when_something_happens(listening: Running, bells: _Bells) -> None:
    for _ in range(3):
        bells.happen()
        listening.next(Scanned)


def test_a_burst_is_one_look(listening: Running, bells: _Bells) -> None:
    bells.happen()
    listening.next(Scanned)
    listening.scanner.suspend(True)
    for _ in range(100):
        bells.happen()
    listening.scanner.suspend(False)
    listening.next(Scanned)
    with pytest.raises(queue.Empty):
        listening.messages.get(timeout=SHORTEST_INTERVAL)


def test_news_is_looked_at_though_the_account_is_empty(
    bells: _Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "SHARE", 1e-6)  # the next look from that account is hours away
    one = Running(interval=3600, subscribe=lambda: bells)
    first = Container("docker/web", "docker", None, "web", pid=512)
    one.source.current = one.source.current._replace(containers=(first,))
    one.scanner.start()
    one.next(Scanned)
    for _ in range(SAVED_LOOKS + 1):
        bells.happen()
        one.next(Scanned)
    bells.happen()
    with pytest.raises(queue.Empty):
        one.messages.get(timeout=SHORTEST_INTERVAL)
    for _ in range(NEWS_SAVED_LOOKS // 2):
        bells.happen(512)
        one.next(Scanned)
    one.scanner.stop()
    assert bells.closed.wait(PATIENCE)


def test_nothing_wakes_a_frozen_scanner(listening: Running, bells: _Bells) -> None:
    listening.scanner.freeze(True)
    bells.happen()
    with pytest.raises(queue.Empty):
        listening.messages.get(timeout=SHORTEST_INTERVAL)
    listening.scanner.freeze(False)
    listening.next(Scanned)


def test_without_events_the_rhythm_goes_on() -> None:
    def refuse() -> _Bells:
        raise NsviewError("no events here")

    one = Running(subscribe=refuse)
    one.scanner.start()
    for _ in range(2):
        one.next(Scanned)
    one.scanner.stop()


def test_a_stopped_scanner_leaves_no_descriptor() -> None:
    before = set(os.listdir("/proc/self/fd"))
    one = Running()
    one.scanner.start()
    one.next(Scanned)
    one.scanner.stop()
    # Others may end meanwhile: what an earlier test has left to the garbage collector.
    wait_until(lambda: before.issuperset(os.listdir("/proc/self/fd")))
