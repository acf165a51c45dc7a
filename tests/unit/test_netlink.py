"""Messages and attributes of netlink, byte by byte."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.netlink import (
    iter_attributes,
    pack_attribute,
    parse_attributes,
    parse_messages,
)


def message(kind: int, body: bytes, *, flags: int = 0, sequence: int = 1) -> bytes:
    padding = bytes(-len(body) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body + padding


@given(st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=9))))
def test_messages_in_one_piece(bodies: list[tuple[int, bytes]]) -> None:
    data = b"".join(message(kind, body) for kind, body in bodies)
    assert [(kind, body) for kind, _, _, body in parse_messages(data)] == bodies


@given(st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=9)))
def test_attributes_come_back(values: dict[int, bytes]) -> None:
    data = b"".join(pack_attribute(kind, value) for kind, value in values.items())
    assert parse_attributes(data) == values
    assert parse_attributes(b"head" + data, 4) == values


def test_the_mark_of_nested_attributes_is_no_part_of_the_type() -> None:
    assert parse_attributes(pack_attribute(0x8000 | 18, b"....")) == {18: b"...."}


def test_what_is_cut_short_is_left_out() -> None:
    whole = pack_attribute(1, b"four") + pack_attribute(2, b"more")
    assert [kind for kind, _ in iter_attributes(whole[:-1])] == [1]
    assert len(list(parse_messages((message(1, b"") + message(2, b"body"))[:-1]))) == 1


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    list(parse_messages(data))
    list(iter_attributes(data))
