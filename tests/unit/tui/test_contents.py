"""The contents of a file as lines: whatever the bytes are, nothing in them is obeyed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from nsview.tui.rows.contents import MOST_BYTES, MOST_LINES, dump, hex_lines, is_text, text_lines


@given(st.binary(max_size=300))
def test_any_bytes_become_lines_that_can_be_printed(data: bytes) -> None:
    found = dump(data)
    assert all(line.isprintable() for line in found.lines)
    assert found.width == max(map(cell_len, found.lines), default=0)
    assert found.text == (b"\0" not in data and is_text(data))


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), max_size=200))
def test_text_stays_as_it_is(text: str) -> None:
    assert "\n".join(dump(text.encode()).lines) == text


@given(st.binary(max_size=100))
def test_hex_has_every_byte_once(data: bytes) -> None:
    digits = "".join(line[10:59].replace(" ", "") for line in hex_lines(data))
    assert bytes.fromhex(digits) == data


def test_looks_like_hexdump() -> None:
    assert hex_lines(b"\x7fELF\x02\x01\x01\0\0 nsview\x1b") == [
        "00000000  7f 45 4c 46 02 01 01 00  00 20 6e 73 76 69 65 77  |.ELF..... nsview|",
        "00000010  1b                                                |.|",
    ]


def test_tabs_are_spaces_and_escapes_are_visible() -> None:
    assert text_lines(b"a\tb\r\n\x1b[31mred\n") == ["a       b\\r", "\\x1b[31mred"]


def test_a_megabyte_of_line_feeds_is_cut() -> None:
    found = dump(b"\n" * MOST_BYTES)
    assert len(found.lines) == MOST_LINES
    assert found.cut


def test_a_megabyte_in_one_line_is_cut() -> None:
    found = dump(b"x" * MOST_BYTES)
    assert [line[-1] for line in found.lines] == ["…"]
    assert found.cut
    assert found.width == len(found.lines[0])


def test_nothing_is_empty() -> None:
    assert dump(b"").lines == []


def test_colours_in_a_log_do_not_make_it_binary() -> None:
    assert is_text(b"\x1b[32mok\x1b[0m all is well\n" * 10)
    assert not is_text(b"\x01\x02\x03\x04 binary")
