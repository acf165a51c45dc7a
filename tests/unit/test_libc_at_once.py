"""Calls of the C library that give no other thread a turn."""

from __future__ import annotations

import os

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
