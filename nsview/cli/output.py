"""stdout is data, stderr is narration. Nothing else in the commands writes to either."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Literal

from nsview.display import display
from nsview.errors import NsviewError

SCHEMA = 1
Align = Literal["left", "right"]
_GAP = "  "


def print_json(document: Mapping[str, object], partial: Sequence[str] = ()) -> None:
    """One ASCII object; pretty on a terminal, one line in a pipe.

    Text that is not UTF-8 is shown with U+FFFD, and its exact bytes follow in base64 under
    ``<key>_raw``.
    """
    whole = {"schema": SCHEMA, **document, "partial": list(partial)}
    indent = 2 if sys.stdout.isatty() else None
    text = json.dumps(whole, indent=indent)
    if "\\udc" in text:  # perhaps an undecodable byte, as os.fsdecode leaves it
        text = json.dumps(_without_surrogates(whole), indent=indent)
    sys.stdout.write(text + "\n")


def _without_surrogates(value: object) -> object:
    if isinstance(value, Mapping):
        clean: dict[str, object] = {}
        for key, item in value.items():
            clean[_readable(str(key))] = _without_surrogates(item)
            raw = _raw(item)
            if raw is not None:
                clean[f"{_readable(str(key))}_raw"] = raw
        return clean
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(item) for item in value]
    return _readable(value) if isinstance(value, str) else value


def _raw(value: object) -> object:
    if isinstance(value, str):
        return b64encode(os.fsencode(value)).decode() if _readable(value) != value else None
    if isinstance(value, (list, tuple)) and any(
        isinstance(item, str) and _readable(item) != item for item in value
    ):
        return [b64encode(os.fsencode(item)).decode() for item in value if isinstance(item, str)]
    return None


def _readable(text: str) -> str:
    return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= c <= "\udfff" else c for c in text)


def print_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[str] = frozenset()
) -> None:
    """Aligned columns, made safe. On a terminal the last column is cut at the screen's edge."""
    safe = [[display(cell) for cell in row] for row in rows]
    widths = [
        max([text_width(title), *(text_width(row[index]) for row in safe)])
        for index, title in enumerate(titles)
    ]
    for row in [list(titles), *safe]:
        cells = [
            _pad(cell, width, "right" if title in right else "left")
            for cell, width, title in zip(row, widths, titles, strict=True)
        ]
        print_line(_GAP.join(cells).rstrip())


def print_line(text: str) -> None:
    """One line of data, already safe; a terminal gets no more of it than fits."""
    if sys.stdout.isatty():
        text = clip(text, os.get_terminal_size(sys.stdout.fileno()).columns)
    # What stdout's encoding cannot express (LANG=C) is escaped, never a traceback.
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def print_notes(partial: Sequence[str]) -> None:
    """Say on stderr what the view lacks."""
    for reason in partial:
        sys.stderr.write(f"nsview: partial: {display(reason)}\n")


def print_note(text: str) -> None:
    """A remark on stderr."""
    sys.stderr.write(f"nsview: {display(text)}\n")


def print_error(error: NsviewError) -> None:
    """One line, and one more with what to try."""
    sys.stderr.write(f"nsview: error: {display(error.message)}\n")
    if error.hint:
        sys.stderr.write(f"nsview: hint: {display(error.hint)}\n")


def text_width(text: str) -> int:
    """Terminal cells: two for wide East Asian characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def clip(text: str, width: int) -> str:
    """The beginning of `text` that fits into `width` cells."""
    if text.isascii():
        return text[:width]
    used = 0
    for index, char in enumerate(text):
        used += _char_width(char)
        if used > width:
            return text[:index]
    return text


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _pad(text: str, width: int, align: Align) -> str:
    fill = " " * (width - text_width(text))
    return fill + text if align == "right" else text + fill
