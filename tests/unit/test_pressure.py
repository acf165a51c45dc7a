"""Pressure files, of a group and of the machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.pressure import Pressure, Stall, parse_pressure

BOTH = b"""\
some avg10=74.16 avg60=52.23 avg300=21.89 total=110512396
full avg10=0.00 avg60=0.50 avg300=0.00 total=7
"""
PERCENT = st.integers(0, 10000).map(lambda number: number / 100)
STALLS = st.builds(Stall, PERCENT, PERCENT, PERCENT, st.integers(0, 2**64 - 1))


def line(name: str, stall: Stall) -> str:
    averages = " ".join(
        f"avg{seconds}={value:.2f}" for seconds, value in zip((10, 60, 300), stall, strict=False)
    )
    return f"{name} {averages} total={stall.total}\n"


def test_both_lines() -> None:
    assert parse_pressure(BOTH) == Pressure(
        Stall(74.16, 52.23, 21.89, 110512396), Stall(0.0, 0.5, 0.0, 7)
    )


@given(STALLS, st.none() | STALLS)
def test_what_is_written_is_read(some: Stall, full: Stall | None) -> None:
    text = line("some", some) + (line("full", full) if full else "")

    assert parse_pressure(text.encode()) == Pressure(some, full)


def test_torn_or_switched_off_is_nothing() -> None:
    assert parse_pressure(b"") is None
    assert parse_pressure(b"some avg10=1.0 avg60=") is None
    assert parse_pressure(BOTH.partition(b"\n")[2]) is None


@given(st.binary())
def test_anything_is_no_error(data: bytes) -> None:
    assert parse_pressure(data) is None or b"some" in data
