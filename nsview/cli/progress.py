"""How far long work has come: one line on a terminal, rewritten in place; nothing anywhere else.

But for somebody who reads our stderr and shows it: then each line is one of its own.
"""

from __future__ import annotations

import os
import sys
import time

from nsview.cli.output import clip, print_note
from nsview.cli.words import byte_size
from nsview.display import display
from nsview.typed import Self

_SECONDS = 0.1
_ERASE = "\r\x1b[K"


class Progress:
    """A ``with`` block in which `update` may be called as often as one likes."""

    def __init__(self, *, lines: bool = False) -> None:
        self._shows = sys.stderr is not None and not lines and sys.stderr.isatty()
        self._lines = lines
        self._next = 0.0
        self._stage = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shows and self._next:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()

    def stage(self, number: int, count: int) -> None:
        """A layer begins."""
        self._stage = f"layer {number} of {count}  "

    def update(self, path: str, size: int) -> None:
        """`size` bytes are written, the last of them of `path`."""
        if not (self._shows or self._lines):
            return
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _SECONDS
        words = f"{self._stage}{byte_size(size)}  {display(path)}"
        if self._lines:
            print_note(f"progress: {words}")
            return
        width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        line = clip(f"nsview: {words}", width - 1)
        sys.stderr.write(_ERASE + line)
        sys.stderr.flush()
