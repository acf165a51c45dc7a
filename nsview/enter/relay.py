"""Bytes between our own streams and the command's, with bounded memory in either direction."""

from __future__ import annotations

import os
import select
import time

from nsview.typed import Callable, Final, Mapping, Sequence

_MOST: Final = 64 * 1024
#: PIPE_BUF: a pipe that polls as writable takes so much without blocking.
_AT_ONCE: Final = 4096
_STALLED_SECONDS: Final = 1.0
#: Of what a pipe can hold: /proc/sys/fs/pipe-max-size, pipe(7). A terminal holds less.
_LAST_WORDS: Final = 1024 * 1024
_ESCAPE: Final = b"\x1d"
_ESCAPES: Final = 3


class Stream:
    """One direction: what is read from `source` is written to `sink`."""

    def __init__(
        self,
        source: int,
        sink: int,
        *,
        output: bool = False,
        typed: bool = False,
        look: Callable[[bytes], None] | None = None,
        owned: Sequence[int] = (),
    ) -> None:
        self.source = source
        self.sink = sink
        self.output = output
        """It carries what the command says, and is emptied before the session ends."""
        self._typed = typed
        """Keys, which are dropped when nobody takes them. Nothing else ever is."""
        self._look = look
        self._owned = list(owned)
        self._held = bytearray()
        self._left: int | None = None
        self._ended = False
        self._moved = time.monotonic()

    @property
    def finished(self) -> bool:
        """The source has ended, and all of it was written."""
        return self._ended and not self._held

    @property
    def pending(self) -> bool:
        """There is something to write."""
        return bool(self._held)

    def wants(self) -> tuple[bool, bool]:
        """Whether to poll for reading, and for writing."""
        reading = not self._ended and (len(self._held) < _MOST or self._stalled())
        return reading, bool(self._held)

    def read(self) -> None:
        """Read what is there."""
        try:
            data = os.read(self.source, _MOST)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody has the terminal's other end any more
            data = b""
        if self._look is not None and data:
            self._look(data)
        if self._left is not None:
            self._left -= len(data)
        if not data or (self._left is not None and self._left <= 0):
            self._ended = True
        if len(self._held) < _MOST:
            self._held += data
        # else: nobody has read for a second. A terminal drops keys then, too (IMAXBEL in
        # termios(3)), and the keys that detach must be seen.

    def write(self) -> None:
        """Write what the sink takes at once."""
        try:
            count = os.write(self.sink, self._held[:_AT_ONCE])
        except BlockingIOError:
            return
        except OSError:  # EPIPE, EIO: nobody reads any more; whoever writes is to notice
            self.abandon()
            return
        del self._held[:count]
        self._moved = time.monotonic()

    def take_last_words(self) -> None:
        """Read no more than what can be there already."""
        self._left = _LAST_WORDS

    def abandon(self) -> None:
        """Read and write no more."""
        self._held.clear()
        self.close()

    def close(self) -> None:
        """Close the descriptors that are this stream's alone: the other end sees it."""
        self._ended = True
        while self._owned:
            os.close(self._owned.pop())

    def _stalled(self) -> bool:
        return self._typed and time.monotonic() - self._moved > _STALLED_SECONDS


class Person:
    """What whoever is at our terminal does there; Ctrl-] three times in a row detaches."""

    def __init__(self) -> None:
        self.typed = False
        self.detached = False
        self.signal: int | None = None
        """The last one that was to end or interrupt us."""
        self._count = 0

    def look(self, data: bytes) -> None:
        """Look at what was typed."""
        self.typed = True
        for at in range(len(data)):
            self._count = self._count + 1 if data[at : at + 1] == _ESCAPE else 0
            self.detached = self.detached or self._count == _ESCAPES


def relay(
    streams: Sequence[Stream],
    events: Mapping[int, Callable[[], None]],
    going_on: Callable[[], bool],
) -> None:
    """Move bytes, and call `events` of descriptors that have something, while `going_on`."""
    while going_on():
        _turn(streams, events, _STALLED_SECONDS)
        for one in streams:
            if one.finished:
                one.close()


def hand_over(streams: Sequence[Stream], events: Mapping[int, Callable[[], None]]) -> None:
    """Hand over what a command had said when it ended, however long that takes.

    Who it left behind may keep its end open, or go on talking, and is not waited for.
    """
    outputs = [one for one in streams if one.output]
    for one in outputs:
        one.take_last_words()
    while True:
        pending = any(one.pending for one in outputs)
        moved = _turn(outputs, events, _STALLED_SECONDS if pending else 0)
        if not (pending or moved):
            return


def _turn(
    streams: Sequence[Stream], events: Mapping[int, Callable[[], None]], seconds: float
) -> bool:
    """Wait for one thing to happen; says whether anything did."""
    masks: dict[int, int] = dict.fromkeys(events, select.POLLIN)
    for one in streams:
        reading, writing = one.wants()
        if reading:
            masks[one.source] = masks.get(one.source, 0) | select.POLLIN
        if writing:
            masks[one.sink] = masks.get(one.sink, 0) | select.POLLOUT
    poll = select.poll()
    for fd, mask in masks.items():
        poll.register(fd, mask)
    ready = dict(poll.poll(seconds * 1000))
    for fd, call in events.items():
        if fd in ready:
            call()
    for one in streams:
        reading, writing = one.wants()
        if writing and ready.get(one.sink, 0) & ~select.POLLIN:
            one.write()
        if reading and ready.get(one.source, 0) & ~select.POLLOUT:
            one.read()
    return bool(ready)
