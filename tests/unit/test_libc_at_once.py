"""Calls of the C library that give no other thread a turn."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import pytest

from nsview.kernel.libc import read_at_once, ring_eventfd


def test_a_ring_is_counted() -> None:
    bell = os.eventfd(0, os.EFD_NONBLOCK)
    try:
        ring_eventfd(bell)
        ring_eventfd(bell)
        assert os.eventfd_read(bell) == 2
    finally:
        os.close(bell)
    with pytest.raises(OSError, match="Bad file descriptor"):
        ring_eventfd(bell)


def test_what_there_is_is_read_and_nothing_waited_for() -> None:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    try:
        assert read_at_once(reading, 4) == b""
        os.write(writing, b"six\0by")
        assert read_at_once(reading, 4) == b"six\0"
        assert read_at_once(reading, 4) == b"by"
    finally:
        os.close(writing)
        os.close(reading)
    with pytest.raises(OSError, match="Bad file descriptor"):
        read_at_once(reading, 4)


@pytest.mark.parametrize(
    "call", [ring_eventfd, lambda fd: read_at_once(fd, 8)], ids=["ring", "read"]
)
def test_another_thread_that_waits_gets_no_turn_meanwhile(call: Callable[[int], object]) -> None:
    bell = os.eventfd(0, os.EFD_NONBLOCK)
    before = sys.getswitchinterval()
    gate, ran = threading.Lock(), []

    def wait() -> None:
        with gate:
            ran.append(True)

    gate.acquire()
    thread = threading.Thread(target=wait)
    thread.start()
    try:
        sys.setswitchinterval(60)  # nobody has us stop: only what we call may let go
        gate.release()
        for _ in range(20_000):
            call(bell)
        assert not ran
    finally:
        sys.setswitchinterval(before)
        thread.join()
        os.close(bell)
    assert ran
