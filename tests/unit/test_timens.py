"""/proc/PID/timens_offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.timens import TimeOffsets, parse_timens_offsets

SHIFTED = b"monotonic           -3     500000000\nboottime        604800             0\n"


def test_named_and_numbered_clocks() -> None:
    shifted = TimeOffsets(monotonic=-2_500_000_000, boottime=604_800_000_000_000)
    assert parse_timens_offsets(SHIFTED) == shifted
    assert parse_timens_offsets(b"1 -3 500000000\n7 604800 0\n") == shifted
    assert parse_timens_offsets(b"") == TimeOffsets(0, 0)


def test_a_torn_line_is_refused() -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_timens_offsets(b"monotonic           -3\n")


@given(st.binary() | st.binary().map(lambda noise: b"monotonic " + noise))
def test_anything_else_is_a_value_error(data: bytes) -> None:
    try:
        parse_timens_offsets(data)
    except ValueError:
        return
