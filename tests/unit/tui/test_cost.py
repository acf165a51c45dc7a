"""When something may be read again."""

from __future__ import annotations

import time

from nsview.tui.cost import Cost, Meter


def ago(seconds: float, **spent: float) -> Cost:
    return Cost(ended=time.monotonic() - seconds, **spent)


def test_reading_again_takes_a_fortieth_of_a_processor() -> None:
    assert not ago(39, computed=1, waited=1).is_due()
    assert ago(41, computed=1, waited=1).is_due()


def test_those_in_sight_share_it() -> None:
    assert not ago(41, computed=1, waited=1).is_due(3)
    assert ago(121, computed=1, waited=1).is_due(3)


def test_who_only_waited_for_a_processor_waits_no_longer_than_that() -> None:
    assert ago(2, computed=0.001, waited=1).is_due()
    assert not ago(2, computed=0.001, waited=5).is_due()


def test_what_was_never_read_is_due() -> None:
    assert Cost().is_due()


def test_a_meter_tells_waiting_from_computing() -> None:
    meter = Meter()
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    cost = meter.cost()
    assert cost.waited >= cost.computed >= 0.02
    assert cost.ended <= time.monotonic()
