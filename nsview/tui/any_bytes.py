"""Take whatever bytes a terminal sends.

What is no UTF-8 (a terminal of another encoding, something pasted) ends the thread that reads keys,
and the app with a traceback (textual 8.2).
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from functools import partial

from textual.drivers import linux_driver


def bear_any_bytes() -> None:
    """Have U+FFFD stand for what is no text; to be called before an app runs."""
    decoder = partial(getincrementaldecoder("utf-8"), errors="replace")
    linux_driver.getincrementaldecoder = lambda _: decoder  # type: ignore[attr-defined]  # private
