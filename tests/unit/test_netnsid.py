"""Answers of RTM_GETNSID, byte by byte."""

from __future__ import annotations

import contextlib
import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.netnsid import parse_answer


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


@pytest.mark.parametrize("number", [-1, 0, 7])
def test_the_number(number: int) -> None:
    unknown = struct.pack("=HHHxx", 6, 9, 1)
    nsid = struct.pack("=HHi", 8, 1, number)
    assert parse_answer(message(88, b"\0\0\0\0" + nsid)) == number
    assert parse_answer(message(88, b"\0\0\0\0" + unknown + nsid)) == number


def test_errors() -> None:
    assert parse_answer(message(2, struct.pack("=i", -errno.EINVAL))) is None
    with pytest.raises(PermissionError):
        parse_answer(message(2, struct.pack("=i", -errno.EPERM)))
    assert parse_answer(b"") is None
    assert parse_answer(message(88, b"\0\0\0\0")) is None


@given(st.binary(), st.sampled_from([2, 88]))
def test_any_bytes(data: bytes, kind: int) -> None:
    for answer in (data, message(kind, data)):
        with contextlib.suppress(PermissionError):
            parse_answer(answer)
