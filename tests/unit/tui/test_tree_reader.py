"""The thread that reads layers: order, replacing, stopping, and what it leaves open."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nsview.layers.plain import stack_of_directories
from nsview.tui.scanner import JobDone, ScanFailed
from nsview.tui.tree_reader import Reading, TreeReader

_PATIENCE = 60.0


class Posted:
    """What came back."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.changed = threading.Condition()

    def __call__(self, message: Any) -> None:
        with self.changed:
            self.messages.append(message)
            self.changed.notify()

    def wait(self, count: int) -> list[Any]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.messages) >= count, _PATIENCE)
            return self.messages


def receive(_: Any) -> None:
    """Only named in messages."""


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def reader(tmp_path: Path, posted: Posted) -> Iterator[TreeReader]:
    (tmp_path / "file").write_text("x")
    one = TreeReader(stack_of_directories([str(tmp_path)]), posted)
    yield one
    one.close()


def test_jobs_are_done_in_order_and_read_the_stack(reader: TreeReader, posted: Posted) -> None:
    for number in (1, 2):
        reader.submit(number, lambda r, n=number: (n, [e.name for e in r.tree.list("/")]), receive)
    assert [one.result for one in posted.wait(2)] == [(1, ["file"]), (2, ["file"])]
    assert all(isinstance(one, JobDone) and one.receive is receive for one in posted.messages)


def test_what_waits_under_the_same_key_is_replaced(reader: TreeReader, posted: Posted) -> None:
    go = threading.Event()
    reader.submit("first", lambda _: go.wait(_PATIENCE), receive)
    for number in range(3):
        reader.submit("same", lambda _, n=number: n, receive)
    go.set()
    assert [one.result for one in posted.wait(2)] == [True, 2]


def test_cancel_stops_the_running_job_and_forgets_the_rest(
    reader: TreeReader, posted: Posted
) -> None:
    going = threading.Event()

    def endless(reading: Reading) -> str:
        going.set()
        while not reading.stopped():
            pass
        return "never received"

    reader.submit(1, endless, receive)
    reader.submit(2, lambda _: "never done", receive)
    assert going.wait(_PATIENCE)
    reader.cancel()
    reader.submit(3, lambda _: "after", receive)
    assert [one.result for one in posted.wait(1)] == ["after"]


def test_an_error_is_told_and_the_thread_goes_on(reader: TreeReader, posted: Posted) -> None:
    reader.submit(1, lambda _: 1 // 0, receive)
    reader.submit(2, lambda _: "still here", receive)
    failed, done = posted.wait(2)
    assert isinstance(failed, ScanFailed)
    assert done.result == "still here"


def test_who_waits_for_what_fails_is_told_why(reader: TreeReader, posted: Posted) -> None:
    reader.submit(1, lambda _: 1 // 0, receive, lambda words: f"no result: {words}")
    failed, done = posted.wait(2)
    assert isinstance(failed, ScanFailed)
    assert done.receive is receive
    assert done.result.startswith("no result: ZeroDivisionError: ")


def test_nothing_stays_open_while_it_has_nothing_to_do(
    reader: TreeReader, posted: Posted, tmp_path: Path
) -> None:
    def links() -> list[str]:
        found = []
        for fd in os.listdir("/proc/self/fd"):
            try:
                found.append(os.readlink(f"/proc/self/fd/{fd}"))
            except OSError:  # closed meanwhile, or on a path longer than a page
                continue
        return found

    reader.submit(1, lambda r: (r.tree.list("/"), str(tmp_path) in links())[1], receive)
    assert posted.wait(1)[0].result is True
    for _ in range(2000):
        if str(tmp_path) not in links():
            return
        threading.Event().wait(0.01)
    raise AssertionError("a directory stays open")


def test_after_close_nothing_is_done(reader: TreeReader, posted: Posted) -> None:
    reader.close()
    reader.submit(1, lambda _: "too late", receive)
    assert reader.idle
    assert posted.messages == []


def test_partial_results_come_now_and_then(
    reader: TreeReader, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nsview.tui.tree_reader._REPORT_SECONDS", 0.0)

    def job(reading: Reading) -> str:
        reading.report(lambda: "half")
        return "whole"

    reader.submit(1, job, receive)
    assert [one.result for one in posted.wait(2)] == ["half", "whole"]
