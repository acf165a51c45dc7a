"""The scanner: one thread, snapshots in a rhythm, jobs in between, failures as messages."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from textual.message import Message
from tui.fake import FakeSource, empty_host

from nsview.tui.scanner import SHORTEST_INTERVAL, JobDone, ScanFailed, Scanned, Scanner

PATIENCE = 10.0


class Running:
    """A scanner, and the messages that it posts."""

    def __init__(self) -> None:
        self.source = FakeSource(empty_host())
        self.messages: queue.Queue[Message] = queue.Queue()
        self.scanner = Scanner(self.source, self.messages.put, interval=SHORTEST_INTERVAL)

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


def test_looks_at_once_and_again(running: Running) -> None:
    began = time.monotonic()
    running.scanner.start()

    assert running.next(Scanned).snapshot is running.source.current
    assert time.monotonic() - began < SHORTEST_INTERVAL
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
