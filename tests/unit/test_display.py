"""What reaches a terminal: nothing that it could obey, and nothing lost."""

from __future__ import annotations

import os
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nsview.display import display

#: Also what st.text() leaves out: the surrogates that os.fsdecode makes of undecodable bytes.
ANY = st.text(st.characters(exclude_categories=()))

_ESCAPE = re.compile(r"\\(?:([nrt])|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def undo(shown: str) -> str:
    """The opposite, for a text that had no backslash."""

    def char(found: re.Match[str]) -> str:
        named, byte, *longer = found.groups()
        if named:
            return {"n": "\n", "r": "\r", "t": "\t"}[named]
        return chr(int(byte or "".join(filter(None, longer)), 16))

    return _ESCAPE.sub(char, shown)


@given(ANY)
@example("\x1b[2J\x9b31m\x7f\u202e\u2066\u200b\udc9b\ufffe\U000e0041\ue000\x00")
def test_what_comes_out_can_be_printed(text: str) -> None:
    shown = display(text)
    assert shown.isprintable()
    shown.encode()  # no surrogate is left
    assert display(shown) == shown


@given(st.text())
def test_what_can_be_printed_stays_as_it_is(text: str) -> None:
    printable = "".join(filter(str.isprintable, text))
    assert display(printable) == printable


@given(st.text(st.characters(exclude_characters="\\")))
def test_nothing_is_lost(text: str) -> None:
    assert undo(display(text)) == text


@given(st.binary().filter(lambda data: b"\\" not in data))
def test_undecodable_bytes_show_their_value(data: bytes) -> None:
    text = os.fsdecode(data)
    expected = "".join(
        chr(ord(char) - 0xDC00) if "\udc80" <= char <= "\udcff" else char for char in text
    )
    assert undo(display(text)) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("postgres: writer", "postgres: writer"),
        ("dev\\x2dsda.device", "dev\\x2dsda.device"),
        ("größe 容器 🐳", "größe 容器 🐳"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\0\x07\x7f", "\\x00\\x07\\x7f"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("\x9b31m", "\\x9b31m"),  # C1: one character that means ESC [
        ("cod\u202egnp.exe", "cod\\u202egnp.exe"),
        ("pay\u200bpal", "pay\\u200bpal"),
        ("line\u2028break", "line\\u2028break"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("no\xa0break", "no\\xa0break"),
        (os.fsdecode(b"\xff\x9b"), "\\xff\\x9b"),
        ("\ud800", "\\ud800"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert display(text) == shown


def test_no_control_or_format_character_passes() -> None:
    """Each of them: C0, C1, DEL, bidirectional, zero width, tags, surrogates."""
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            assert display(char).isascii(), hex(code)
