"""What the help says of keys is of keys that there are."""

from __future__ import annotations

import re
from pathlib import Path

import nsview.tui
from nsview.tui.key_words import KEY_WORDS

_ROOM = 52
"""Columns beside the keys in a terminal of 80."""


def test_every_name_is_that_of_a_key() -> None:
    code = "".join(path.read_text() for path in Path(nsview.tui.__path__[0]).rglob("*.py"))
    names = set(re.findall(r'id="([a-z]+\.[a-z-]+)"', code))
    assert {one for one in KEY_WORDS if not one.startswith("home.")} <= names


def test_it_fits_into_a_small_terminal() -> None:
    assert max(map(len, KEY_WORDS.values())) <= _ROOM
