"""When the scanner looks next, by a clock that only the test moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsview.tui.pace import (
    DEBT,
    NEWS_SAVED_LOOKS,
    NEWS_SHARE,
    SAVED_LOOKS,
    SETTLING,
    SHARE,
    Pace,
)

INTERVAL = 2.0


def looked_at(moment: float, took: float = 0.01) -> Pace:
    pace = Pace(INTERVAL)
    pace.looked(moment, took)
    return pace


def test_first_look_is_due_at_once() -> None:
    assert Pace(INTERVAL).due == 0.0


def test_rhythm_counts_from_the_end_of_a_look() -> None:
    assert looked_at(100.0).due == 100.0 + INTERVAL


def test_what_is_heard_is_judged_a_little_later() -> None:
    pace = looked_at(100.0)
    assert pace.listens
    pace.heard(100.5)
    pace.heard(100.51)
    assert pace.settled == 100.5 + SETTLING
    assert not pace.listens


def test_an_event_brings_the_next_look_forward() -> None:
    pace = looked_at(100.0)
    pace.heard(100.5)
    pace.hurry(100.53, news=False)
    assert pace.due == 100.53
    assert pace.listens


def test_an_event_just_before_the_look_changes_nothing() -> None:
    pace = looked_at(100.0, 1.0)
    for _ in range(SAVED_LOOKS + 2):
        pace.hurry(100.0, news=False)
        pace.looked(100.0, 1.0)
    pace.hurry(101.0, news=False)
    assert pace.due == 100.0 + INTERVAL


def test_after_a_look_the_rhythm_is_back() -> None:
    pace = looked_at(100.0)
    pace.hurry(100.5, news=False)
    pace.heard(100.52)
    pace.looked(100.54, 0.01)
    assert (pace.due, pace.listens) == (100.54 + INTERVAL, True)


@given(st.floats(0.001, 0.5), st.booleans())
def test_a_storm_of_events_gets_its_share_and_no_more(took: float, news: bool) -> None:
    share, saved = (NEWS_SHARE, NEWS_SAVED_LOOKS) if news else (SHARE, SAVED_LOOKS)
    pace = looked_at(1000.0, took)
    now, early, end = 1000.0, 0.0, 1060.0
    while now < end:
        usual = pace.due
        pace.hurry(now, news=news)
        began = max(now, pace.due)
        early += took if pace.due < usual else 0.0
        now = began + took
        pace.looked(now, took)
    assert early <= (now - 1000.0) * share + (saved + 2) * took


def test_news_waits_for_nothing_else() -> None:
    pace = looked_at(1000.0, 0.1)
    for moment in range(1001, 1031):
        pace.hurry(moment, news=False)
        pace.looked(max(moment, pace.due), 0.1)
    pace.hurry(1031.0, news=False)
    assert pace.due > 1031.5
    pace.hurry(1031.5, news=True)
    assert pace.due == 1031.5


def test_a_long_job_delays_what_is_early_for_a_while_only() -> None:
    pace = looked_at(100.0)
    pace.hurry(100.5, news=False)
    pace.looked(100.54, 0.01)
    pace.worked(400.0, 300.0)
    pace.hurry(400.0, news=False)
    assert pace.due == 100.54 + INTERVAL  # not brought forward
    paid = 400.0 + DEBT / SHARE
    pace.looked(paid, 0.01)
    pace.hurry(paid + 0.5, news=False)
    assert pace.due == paid + 0.5


def test_what_the_rhythm_has_read_delays_nothing() -> None:
    pace = looked_at(100.0)
    pace.worked(101.0, 0.5)
    pace.hurry(101.0, news=False)
    assert pace.due == 101.0


def test_containers_that_start_one_after_the_other_are_seen_at_once() -> None:
    pace = looked_at(1000.0, 0.1)
    for start in range(10):
        for event in range(2):
            moment = 1001.0 + start + event / 2
            pace.hurry(moment, news=True)
            assert pace.due == moment
            pace.looked(moment, 0.1)
