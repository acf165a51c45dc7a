"""Values in the words that people read in a table."""

from __future__ import annotations

import time

from nsview import units
from nsview.typed import Sequence

_DIGEST_PREFIX = "sha256:"
_SHORT_ID = 12


def dash(value: object | None) -> str:
    """The value, or ``-`` where there is none."""
    return "-" if value is None else str(value)


def byte_size(count: int | None) -> str:
    """Bytes in the largest unit of 1024, as one word: ``0B``, ``1.2M``; ``-`` for no number."""
    return "-" if count is None else units.byte_size(count).replace(" ", "")


def local_time(nanoseconds: int) -> str:
    """A time of a file, in the reader's own time zone; ``-`` for one that no calendar has."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(nanoseconds // 10**9))
    except (OverflowError, OSError, ValueError):
        return "-"


def user_of(uid: int | None, name: str | None) -> str:
    """The user's name, else the number."""
    return name or dash(uid)


def image_name(image: str | None) -> str | None:
    """An image as people call it; a bare digest is shortened."""
    if image is not None and image.startswith(_DIGEST_PREFIX):
        return image.removeprefix(_DIGEST_PREFIX)[:_SHORT_ID]
    return image


def command_line(command: Sequence[str], comm: str) -> str:
    """The command line, or the process's name in brackets where there is none, as ps(1) does."""
    return " ".join(command) if command else f"[{comm}]"
