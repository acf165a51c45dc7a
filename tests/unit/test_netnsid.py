"""Answers of RTM_GETNSID, byte by byte."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.netlink import Message
from nsview.kernel.netnsid import parse_answer


@pytest.mark.parametrize("number", [-1, 0, 7])
def test_the_number(number: int) -> None:
    unknown = struct.pack("=HHHxx", 6, 9, 1)
    nsid = struct.pack("=HHi", 8, 1, number)
    assert parse_answer(Message(88, b"\0\0\0\0" + nsid)) == number
    assert parse_answer(Message(88, b"\0\0\0\0" + unknown + nsid)) == number
    assert parse_answer(Message(16, b"\0\0\0\0" + nsid)) is None


def test_no_number() -> None:
    assert parse_answer(Message(88, b"")) is None
    assert parse_answer(Message(88, b"\0\0\0\0")) is None


@given(st.binary(), st.sampled_from([2, 88]))
def test_any_bytes(data: bytes, kind: int) -> None:
    parse_answer(Message(kind, data))
