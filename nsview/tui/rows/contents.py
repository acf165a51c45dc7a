"""The contents of a file as lines that are safe to show: text, or a hex dump. Pure."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from rich.cells import cell_len

from nsview.display import display

#: Nobody reads more on a screen.
MOST_BYTES: Final = 1 << 20
#: A megabyte of line feeds must not become a million rows.
MOST_LINES: Final = MOST_BYTES // 16
_MOST_CELLS: Final = 2000
_TAB: Final = 8
_BYTES_A_LINE: Final = 16
_SPACE: Final = 0x20
_DELETE: Final = 0x7F
#: Text has control characters too (colours in logs), but few.
_CONTROLS_IN_TEXT: Final = 0.05
_HARMLESS: Final = frozenset(b"\t\n\f\r\x1b")


class Dump(NamedTuple):
    """Lines, display-safe."""

    lines: list[str]
    width: int
    """Screen cells of the widest line."""
    text: bool
    cut: bool
    """There is more than is shown."""


def dump(data: bytes) -> Dump:
    """`data` as text if that is what it seems to be, else as hex."""
    lines = text_lines(data) if is_text(data) else hex_lines(data)
    text = is_text(data)
    cut = len(lines) > MOST_LINES or any(len(line) > _MOST_CELLS for line in lines)
    lines = [_shortened(line) for line in lines[:MOST_LINES]]
    widest = max(lines, key=len, default="")
    ascii_only = all(line.isascii() for line in lines)
    width = len(widest) if ascii_only else max(map(cell_len, lines), default=0)
    return Dump(lines, width, text, cut)


def is_text(data: bytes) -> bool:
    """No null bytes, and few control characters."""
    if b"\0" in data:
        return False
    controls = len(data) - len(data.translate(None, bytes(range(_SPACE))))
    harmless = sum(data.count(one) for one in _HARMLESS)
    return controls - harmless <= _CONTROLS_IN_TEXT * len(data)


def text_lines(data: bytes) -> list[str]:
    """Lines with tabs expanded and everything that a terminal might obey made visible."""
    lines = os.fsdecode(data).split("\n")
    if lines[-1] == "":
        lines.pop()
    return [display(line[: _MOST_CELLS + 1].expandtabs(_TAB)) for line in lines[: MOST_LINES + 1]]


def hex_lines(data: bytes) -> list[str]:
    """As ``hexdump -C``."""
    return [
        _hex_line(at, data[at : at + _BYTES_A_LINE]) for at in range(0, len(data), _BYTES_A_LINE)
    ]


def _hex_line(offset: int, piece: bytes) -> str:
    half = _BYTES_A_LINE // 2
    left, right = piece[:half].hex(" "), piece[half:].hex(" ")
    shown = "".join(chr(one) if _SPACE <= one < _DELETE else "." for one in piece)
    return f"{offset:08x}  {left:<23}  {right:<23}  |{shown}|"


def _shortened(line: str) -> str:
    return line if len(line) <= _MOST_CELLS else line[: _MOST_CELLS - 1] + "…"
