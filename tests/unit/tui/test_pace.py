"""When the scanner looks next, by a clock that only the test moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsview.tui.pace import DEBT, SAVED_LOOKS, SETTLING, SHARE, Pace

INTERVAL = 2.0


def looked_at(moment: float, took: float = 0.01) -> Pace:
    pace = Pace(INTERVAL)
    pace.looked(moment, took)
    return pace


def test_first_look_is_due_at_once() -> None:
    assert Pace(INTERVAL).due == 0.0


def test_rhythm_counts_from_the_end_of_a_look() -> None:
    assert looked_at(100.0).due == 100.0 + INTERVAL


def test_an_event_brings_the_next_look_forward() -> None:
    pace = looked_at(100.0)
    pace.hurry(100.5)
    assert pace.due == 100.5 + SETTLING
    assert pace.early
    assert not pace.listens


def test_further_events_change_nothing() -> None:
    pace = looked_at(100.0)
    pace.hurry(100.5)
    pace.hurry(100.51)
    assert pace.due == 100.5 + SETTLING


def test_an_event_just_before_the_look_changes_nothing() -> None:
    pace = looked_at(100.0)
    pace.hurry(100.0 + INTERVAL - SETTLING / 2)
    assert pace.due == 100.0 + INTERVAL
    assert not pace.early


def test_after_a_look_the_rhythm_is_back() -> None:
    pace = looked_at(100.0)
    pace.hurry(100.5)
    pace.looked(100.54, 0.01)
    assert (pace.due, pace.early, pace.listens) == (100.54 + INTERVAL, False, True)


@given(st.floats(0.001, 0.5))
def test_a_storm_of_events_gets_its_share_and_no_more(took: float) -> None:
    pace = looked_at(1000.0)
    now, early, end = 1000.0, 0.0, 1060.0
    while now < end:
        pace.hurry(now)
        began = max(now, pace.due)
        early += took if pace.early else 0.0
        now = began + took
        pace.looked(now, took)
    assert early <= (now - 1000.0) * SHARE + (SAVED_LOOKS + 2) * took


def test_a_long_job_delays_what_is_early_for_a_while_only() -> None:
    pace = looked_at(100.0)
    pace.hurry(100.5)
    pace.looked(100.54, 0.01)
    pace.worked(400.0, 300.0)
    pace.hurry(400.0)
    assert pace.due == 100.54 + INTERVAL  # not brought forward
    assert not pace.listens
    paid = 400.0 + DEBT / SHARE
    pace.looked(paid, 0.01)
    pace.hurry(paid + 0.5)
    assert pace.due == paid + 0.5 + SETTLING


def test_what_the_rhythm_has_read_delays_nothing() -> None:
    pace = looked_at(100.0)
    pace.worked(101.0, 0.5)
    pace.hurry(101.0)
    assert pace.due == 101.0 + SETTLING


def test_containers_that_start_one_after_the_other_are_seen_at_once() -> None:
    pace = looked_at(1000.0, 0.1)
    for start in range(5):
        for event in range(2):
            moment = 1001.0 + start + event / 2
            pace.hurry(moment)
            assert pace.early
            pace.looked(moment + SETTLING, 0.1)
