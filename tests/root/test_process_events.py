"""Process events of real processes, and what is said where the kernel tells none."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from support.descriptors import open_descriptors
from support.processes import wait_until

from nsview.errors import NotPermitted, NsviewError
from nsview.kernel.process_events import (
    Event,
    ProcessEvents,
    parse_acknowledgement,
    parse_event,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="before Linux 6.6 root's alone")

_SAY = """
from nsview.errors import NsviewError
from nsview.kernel.process_events import ProcessEvents
try:
    ProcessEvents()
except NsviewError as error:
    print(error.message)
"""


@pytest.fixture
def events() -> Iterator[ProcessEvents]:
    before = open_descriptors()
    try:
        one = ProcessEvents()
    except NsviewError as error:
        pytest.skip(error.message)
    yield one
    one.close()
    one.close()
    assert one.fileno() == -1
    assert open_descriptors() == before


def told_of(events: ProcessEvents, pid: int) -> list[str]:
    """What happens to that process until its end is told, or [] where that was lost."""
    kinds: list[str] = []

    def has_ended() -> bool:
        kinds.extend(one.kind for one in events.read() if one.pid == pid)
        return "exit" in kinds

    try:
        wait_until(has_ended, timeout=5)
    except TimeoutError:
        return []
    return kinds


def test_fork_exec_and_exit_are_told_in_order(events: ProcessEvents) -> None:
    def run() -> bool:
        process = subprocess.Popen(["true"])
        process.wait()
        return told_of(events, process.pid) == ["fork", "exec", "exit"]

    wait_until(run)  # some may be lost while others fork by the thousand


def test_an_answer_that_is_there_counts_however_late_it_is_read(
    events: ProcessEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: float(next(moments)))
    monkeypatch.setattr("nsview.kernel.process_events.time", clock)
    ProcessEvents().close()


def test_threads_are_not_told(events: ProcessEvents) -> None:
    for _ in range(20):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
    assert os.getpid() not in {event.pid for event in events.read()}


def test_is_readable_only_when_something_happened(events: ProcessEvents) -> None:
    import select

    poll = select.poll()
    poll.register(events, select.POLLIN)
    subprocess.run(["true"], check=True)
    assert poll.poll(5000)
    wait_until(lambda: not events.read() and not poll.poll(0))


@pytest.mark.parametrize(
    ("namespace", "reason"),
    [("--net", "not in the host's network namespace"), ("--pid", "no answer: not in the host's")],
)
def test_elsewhere_it_is_said_why_not(events: ProcessEvents, namespace: str, reason: str) -> None:
    # Somebody else listens meanwhile: events reach us, but we have not been granted any.
    command = ["unshare", namespace, "--fork", sys.executable, "-c", _SAY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(reason)


def test_nobody_is_told_too_or_is_refused_in_words() -> None:
    uid = os.geteuid()
    os.seteuid(65534)
    try:
        ProcessEvents().close()
    except NotPermitted as error:
        message = error.message
    else:
        message = "CAP_NET_ADMIN"
    finally:
        os.seteuid(uid)
    assert "CAP_NET_ADMIN" in message


def test_many_events_are_read_and_losses_survived(events: ProcessEvents) -> None:
    subprocess.run(["sh", "-c", "for i in $(seq 400); do (:) & done; wait"], check=True)
    assert {"fork", "exit"} <= {event.kind for event in events.read()}


def test_hundreds_wait_to_be_read(events: ProcessEvents) -> None:
    def run() -> bool:
        events.read()
        pids = [os.posix_spawn("/bin/true", ["true"], {}) for _ in range(300)]
        for pid in pids:
            os.waitpid(pid, 0)
        return {event.pid for event in events.read() if event.kind == "exec"}.issuperset(pids)

    wait_until(run)  # there may be no room for them while others fork by the thousand


def test_other_datagrams_are_nothing() -> None:
    for length in range(90):
        assert parse_event(bytes(length)) is None
    assert parse_acknowledgement(bytes(59)) is None


def test_a_captured_fork() -> None:
    head = "4c000000 03000000 62010000 00000000 01000000 01000000 62010000 00000000 2800 0000"
    fork = "01000000 00000000 f34ade47e8000000 0a000000 0a000000 0b000000 0c000000"
    assert parse_event(bytes.fromhex(head + fork)) == Event("fork", 12)
    assert parse_acknowledgement(bytes.fromhex(head + fork)) is None


def test_a_captured_acknowledgement() -> None:
    data = bytes.fromhex(
        "4c000000030000006201000000000000"
        "0100000001000000620100000100000028000000"
        "0000000000000000f34ade47e8000000" + "00" * 24
    )
    assert parse_acknowledgement(data) == 0
    assert parse_event(data) is None
    refused = data[:52] + b"\x01" + data[53:]
    assert parse_acknowledgement(refused) is None
