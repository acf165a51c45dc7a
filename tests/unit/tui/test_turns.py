"""Others wait for the UI's thread longer than it waits for them; what wakes it up arrives."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest
from support.processes import PATIENCE, wait_until

from nsview.tui import turns
from nsview.tui.turns import Turns


@pytest.fixture
def loop() -> Iterator[Turns]:
    """Its event loop; afterwards the interpreter is as it was."""
    before = sys.getswitchinterval()
    loop = Turns()
    try:
        yield loop
    finally:
        loop.close()
        sys.setswitchinterval(before)


def test_who_waits_for_the_ui_waits_longer_than_it_does(loop: Turns) -> None:
    at_rest, at_work = [], []

    def look() -> None:
        try:
            wait_until(lambda: sys.getswitchinterval() < turns._OTHERS_WAIT)
            at_rest.append(sys.getswitchinterval())
        finally:
            loop.call_soon_threadsafe(work)

    def work() -> None:
        at_work.append(sys.getswitchinterval())
        loop.stop()

    thread = threading.Thread(target=look)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()
    assert at_rest == [pytest.approx(turns._UI_WAITS)]
    assert at_work == [pytest.approx(turns._OTHERS_WAIT)]


def test_whatever_other_threads_have_to_say_arrives_and_is_taken(loop: Turns) -> None:
    """Each wakes the loop with a byte; those of a moment are more than are read at once."""
    heard: list[int] = []
    count = 3 * turns._BYTES_AT_ONCE

    def hear(number: int) -> None:
        heard.append(number)
        if number == count - 1:
            loop.call_soon(again, 3)

    def again(times: int) -> None:
        loop.call_soon(again, times - 1) if times else loop.stop()

    def tell() -> None:
        for number in range(count):
            loop.call_soon_threadsafe(hear, number)

    def have_it_told() -> None:
        thread = threading.Thread(target=tell)
        thread.start()
        thread.join()

    loop.call_soon(have_it_told)
    loop.run_forever()
    assert heard == list(range(count))
    with pytest.raises(BlockingIOError):  # or the loop would never rest again
        loop._ssock.recv(1)  # type: ignore[attr-defined]


def test_a_signal_arrives(loop: Turns) -> None:
    heard: list[int] = []
    before = signal.getsignal(signal.SIGUSR1)

    def hear() -> None:
        heard.append(signal.SIGUSR1)
        loop.stop()

    loop.add_signal_handler(signal.SIGUSR1, hear)
    loop.call_soon(os.kill, os.getpid(), signal.SIGUSR1)
    loop.call_later(PATIENCE, loop.stop)
    try:
        loop.run_forever()
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, before)
    assert heard == [signal.SIGUSR1]
