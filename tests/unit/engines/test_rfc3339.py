"""Times as engines write them, read as datetime reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.rfc3339 import parse_time

ZONES = st.builds(
    lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-14 * 60, 14 * 60)
)


@given(st.datetimes(timezones=ZONES | st.just(UTC)))
def test_as_datetime_reads_it(moment: datetime) -> None:
    for written in (moment.isoformat(), moment.isoformat().replace("+00:00", "Z")):
        assert parse_time(written) == pytest.approx(moment.timestamp(), abs=1e-4)


def test_nanoseconds() -> None:
    assert parse_time("1970-01-01T00:00:01.503549672Z") == pytest.approx(1.503549672, abs=1e-9)


@pytest.mark.parametrize(
    "written",
    ["", "T", "Z", "1970", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00:00+1",
     "1970-13-01T00:00:00Z", "1970-01-32T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01 00:00:00Z",
     "1970-01-01T00:00:00.Z5", "1970-01-01T00:00:00x5Z", "9" * 5000 + "-01-01T00:00:00Z"],
)  # fmt: skip
def test_anything_else_is_none(written: str) -> None:
    assert parse_time(written) is None


@given(st.text(alphabet="0123456789-+:.TZ xe_", max_size=50) | st.text())
def test_any_text_is_survived(text: str) -> None:
    found = parse_time(text)
    assert found is None or abs(found) < 1e30
