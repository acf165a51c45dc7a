"""stdout is data, stderr is narration. Nothing else in the commands writes to either."""

from __future__ import annotations

import os
import sys

from nsview.display import display
from nsview.errors import NsviewError
from nsview.json_text import dumps
from nsview.light import contextmanager, suppress
from nsview.typed import Iterator, Literal, Mapping, Sequence

SCHEMA = 1
Align = Literal["left", "right"]
_GAP = "  "


def print_json(
    document: Mapping[str, object], partial: Sequence[str] = (), *, lines: bool = False
) -> None:
    """One ASCII object; pretty on a terminal, one line in a pipe, or with `lines` anywhere.

    Text that is not UTF-8 is shown with U+FFFD, and its exact bytes follow in base64 under
    ``<key>_raw``; a list of texts with such an item is followed by a list of them all.
    """
    whole = {"schema": SCHEMA, **document, "partial": list(partial)}
    pretty = sys.stdout is not None and sys.stdout.isatty() and not lines
    write = _write_pretty if pretty else dumps
    text = write(whole)
    if "\\ud" in text:  # half of an emoji, or an undecodable byte as os.fsdecode leaves it
        text = write(_without_surrogates(whole))
    _write(text + "\n")


def _write_pretty(value: object) -> str:
    import json

    return json.dumps(value, indent=2)


def _without_surrogates(value: object) -> object:
    if isinstance(value, Mapping):
        clean: dict[str, object] = {}
        for key, item in value.items():
            name = _readable(str(key))
            clean[name] = _without_surrogates(item)
            raw = _raw(item)
            if raw is not None:
                clean[f"{name}_raw"] = raw
        return clean
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(item) for item in value]
    return _readable(value) if isinstance(value, str) else value


def _raw(value: object) -> object:
    """The exact bytes in base64 where `value` is no UTF-8, else None."""
    if isinstance(value, str):
        return _base64(value) if _readable(value) != value else None
    if isinstance(value, (list, tuple)) and any(
        isinstance(item, str) and _readable(item) != item for item in value
    ):
        return [_base64(item) if isinstance(item, str) else None for item in value]
    return None


def _base64(text: str) -> str | None:
    from base64 import b64encode

    try:
        return b64encode(os.fsencode(text)).decode()
    except UnicodeEncodeError:  # "\\ud800" in somebody's JSON file: it never was a byte string
        return None


def _readable(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def print_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[str] = frozenset(),
    cut: bool = True,
) -> None:
    """Aligned columns, made safe; a terminal gets lines cut at its edge, unless `cut` is false."""
    edge = _terminal_width() if cut else None
    safe = [list(titles), *([_showable(cell) for cell in row] for row in rows)]
    widths = [max(map(text_width, column)) for column in zip(*safe, strict=True)]
    for row in safe:
        cells = [
            _pad(cell, width, "right" if title in right else "left")
            for cell, width, title in zip(row, widths, titles, strict=True)
        ]
        line = _GAP.join(cells).rstrip()
        _write((line if edge is None else clip(line, edge)) + "\n")


def print_line(text: str) -> None:
    """One line of data, made safe."""
    _write(f"{_showable(text)}\n")


def write_bytes(data: bytes) -> None:
    """Write exactly these bytes; the one way round what makes text safe."""
    if sys.stdout is None:
        raise NsviewError("stdout is closed")
    with _complaining():
        sys.stdout.buffer.write(data)


class StandardOutput:
    """stdout as a file to write bytes to."""

    def write(self, data: bytes) -> int:
        """Write them all."""
        write_bytes(data)
        return len(data)

    def seekable(self) -> bool:
        """No: who reads has read."""
        return False


def flush() -> None:
    """Hand over what was printed; raises `NsviewError` where it cannot be."""
    if sys.stdout is not None:
        with _complaining():
            sys.stdout.flush()


def print_notes(partial: Sequence[str]) -> None:
    """Say on stderr what the view lacks."""
    for reason in partial:
        _narrate(f"partial: {reason}")


def print_note(text: str) -> None:
    """A remark on stderr."""
    _narrate(text)


def print_error(error: NsviewError) -> None:
    """One line, and one more with what to try."""
    _narrate(f"error: {error.message}")
    if error.hint:
        _narrate(f"hint: {error.hint}")


def text_width(text: str) -> int:
    """Terminal cells: two for wide East Asian characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def clip(text: str, width: int) -> str:
    """As much of `text` as fits into `width` cells; an ellipsis in the last one if that is not all.

    Where stdout's encoding has no ellipsis, it is a ``>``.
    """
    if text_width(text) <= width:
        return text
    used = 0
    for index, char in enumerate(text):
        used += _char_width(char)
        if used >= width:
            return text[:index] + (">" if _showable("…") != "…" else "…")
    return text


def _write(text: str) -> None:
    if sys.stdout is None:
        raise NsviewError("stdout is closed")
    with _complaining():
        sys.stdout.write(text)


@contextmanager
def _complaining() -> Iterator[None]:
    try:
        yield
    except OSError as error:  # a full disk, say; a reader that left ends us by SIGPIPE
        # The interpreter tries again at its end, and must not complain a second time.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise NsviewError(f"cannot write to stdout: {error.strerror}") from None


def _narrate(text: str) -> None:
    # Python escapes what stderr's encoding cannot express. What nobody can hear is not said.
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"nsview: {display(text)}\n")


def _showable(text: str) -> str:
    """Safe, and in stdout's encoding: what that cannot express (LANG=C) is escaped."""
    safe = display(text)
    if safe.isascii() or sys.stdout is None:
        return safe
    encoding = sys.stdout.encoding or "ascii"
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def _terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None in a pipe, or if nobody has told it its size."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return os.get_terminal_size(sys.stdout.fileno()).columns or None


def _char_width(char: str) -> int:
    import unicodedata  # most of what is shown is ASCII

    # Mn, Me: marks above, below and around the character before them, variation selectors too.
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _pad(text: str, width: int, align: Align) -> str:
    fill = " " * (width - text_width(text))
    return fill + text if align == "right" else text + fill
