"""Lines and charts of block characters."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from nsview.tui.rows.charts import chart, gauge, peak, sparkline
from nsview.units import byte_pair, byte_rates, percent, short_size

VALUES = st.lists(st.floats(0, 1e12) | st.just(math.nan), max_size=40)


def test_sparkline_ends_at_the_right() -> None:
    assert sparkline([0, 12.5, 50, 100, 200, math.nan], 8, 100.0) == "  ▁▁▄██ "
    assert sparkline(range(100), 3, 99.0) == "███"
    assert sparkline([], 4, 100.0) == "    "


def test_chart_fills_from_below() -> None:
    assert chart([0, 1, 8, 9, 16], 6, 2, 16.0) == ["    ▁█", "  ▁███"]
    assert chart([math.nan, 0], 2, 1, 1.0) == ["  "]


@given(VALUES, st.integers(1, 60), st.integers(1, 9), st.floats(0, 1e12))
def test_always_of_the_size_that_was_asked_for(
    values: list[float], width: int, height: int, top: float
) -> None:
    assert len(sparkline(values, width, top)) == width
    drawn = chart(values, width, height, top)
    assert [len(line) for line in drawn] == [width] * height


@given(st.floats(-1, 2), st.integers(1, 80))
def test_gauge_is_as_wide_as_asked(share: float, width: int) -> None:
    bar = gauge(share, width)
    assert len(bar) == width
    assert bar.count("█") == int(min(max(share, 0), 1) * width * 2 + 0.5) // 2 or "▌" in bar


def test_peak_knows_no_nan() -> None:
    assert peak([math.nan, 3.0, 1.0]) == 3.0
    assert peak([math.nan]) == 0.0


@given(st.integers(0, 2**62))
def test_sizes_have_four_cells_at_most(count: int) -> None:
    assert len(short_size(count)) <= 4
    assert len(byte_pair(count, None)) == len(byte_pair(0, count)) == 9
    assert len(byte_rates(count, count)) <= 9


@given(st.floats(0, 99999))
def test_per_cents_have_five_cells_at_most(value: float) -> None:
    assert len(percent(value)) <= 5


def test_sizes() -> None:
    assert [short_size(n) for n in (0, 999, 1000, 10 * 1024, 1023 << 20, 5 << 40)] == [
        "0", "999", "1.0K", "10K", "1.0G", "5.0T",
    ]  # fmt: skip
    assert byte_pair(118 << 20, 256 << 20) == "118M/256M"
    assert [percent(value) for value in (0.04, 99.95, 999.9, 3200.4)] == [
        "0.0", "100.0", "999.9", "3200",
    ]  # fmt: skip
