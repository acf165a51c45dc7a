"""What is relayed arrives, however slow its reader is; memory and patience have bounds."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator

import pytest

from nsview.enter import relay as relay_module
from nsview.enter.relay import Stream, hand_over, relay

_WORDS = bytes(range(251)) * 5_000


class _Pipe:
    """A pipe that is closed with the test."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe2(os.O_CLOEXEC)

    def fill(self) -> bytes:
        """As much as goes in."""
        os.set_blocking(self.writing, False)
        count = os.write(self.writing, _WORDS)
        os.set_blocking(self.writing, True)
        return _WORDS[:count]

    def end(self) -> None:
        """Close the end that is written to."""
        os.close(self.writing)
        self.writing = -1

    def close(self) -> None:
        os.close(self.reading)
        if self.writing >= 0:
            os.close(self.writing)


@pytest.fixture
def pipes() -> Iterator[tuple[_Pipe, _Pipe]]:
    both = _Pipe(), _Pipe()
    yield both
    for one in both:
        one.close()


def _read_all(fd: int) -> bytes:
    read = b""
    while chunk := os.read(fd, 1 << 20):
        read += chunk
    return read


def test_input_waits_for_a_command_that_takes_none_for_long(
    pipes: tuple[_Pipe, _Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_STALLED_SECONDS", 0.0)  # it is for keys only
    source, sink = pipes
    os.set_blocking(sink.writing, False)
    stream = Stream(source.reading, sink.writing)

    def write() -> None:
        os.write(source.writing, _WORDS)
        source.end()

    def give() -> None:
        relay([stream], {}, lambda: not stream.finished)
        sink.end()

    writer, giver = threading.Thread(target=write), threading.Thread(target=give)
    writer.start()
    turns = iter(range(2000))
    relay([stream], {}, lambda: next(turns) < 1999)  # as often as it likes: nobody reads
    giver.start()
    assert _read_all(sink.reading) == _WORDS
    writer.join()
    giver.join()


def test_keys_are_dropped_when_nobody_takes_them(
    pipes: tuple[_Pipe, _Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_STALLED_SECONDS", 0.0)
    source, sink = pipes
    os.set_blocking(sink.writing, False)
    seen: list[int] = []
    keys = Stream(source.reading, sink.writing, typed=True, look=lambda d: seen.append(len(d)))
    for _ in range(10):
        source.fill()
        turns = iter(range(100))
        relay([keys], {}, lambda turns=turns: next(turns) < 99)  # type: ignore[misc]
    assert sum(seen) >= 10 * 60_000  # whoever hangs up is heard


def test_the_last_words_reach_a_slow_reader(pipes: tuple[_Pipe, _Pipe]) -> None:
    source, sink = pipes
    first = source.fill()
    stream = Stream(source.reading, sink.writing, output=True)
    stream.read()
    held = sink.fill()
    last = source.fill()  # its writer's end stays open: who was left behind has it
    giver = threading.Thread(target=hand_over, args=([stream], {}))
    giver.start()
    expected = held + first + last
    read = b""
    while len(read) < len(expected):
        read += os.read(sink.reading, 100)
    giver.join()
    assert read == expected
    assert fcntl.ioctl(source.reading, 0x541B, bytes(4)) == bytes(4)  # FIONREAD


def test_who_talks_for_ever_is_not_waited_for(pipes: tuple[_Pipe, _Pipe]) -> None:
    _, sink = pipes
    zero = os.open("/dev/zero", os.O_RDONLY)
    taken: list[int] = []
    reader = threading.Thread(target=lambda: taken.append(len(_read_all(sink.reading))))
    reader.start()
    hand_over([Stream(zero, sink.writing, output=True)], {})
    sink.end()
    reader.join()
    os.close(zero)
    assert 1024 * 1024 <= taken[0] < 1024 * 1024 + 65536


def test_a_signal_gives_up_what_nobody_reads(pipes: tuple[_Pipe, _Pipe]) -> None:
    source, sink = pipes
    stream = Stream(source.reading, sink.writing, output=True)
    source.fill()
    stream.read()
    sink.fill()
    waking, wake = os.pipe2(os.O_CLOEXEC)
    os.write(wake, b"\x0f")
    hand_over([stream], {waking: lambda: (os.read(waking, 1), stream.abandon())[1]})
    assert stream.finished
    for fd in (waking, wake):
        os.close(fd)
