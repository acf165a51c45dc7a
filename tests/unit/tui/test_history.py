"""What is remembered of past snapshots."""

from __future__ import annotations

import math

from tui.fake import host

from nsview.host.model import Snapshot
from nsview.host.resources import Cpu, Memory, Resources
from nsview.tui.history import LONGEST, History

WEB, DB = "docker/web-1", "docker/db"


def using(*percents: float | None, refs: tuple[str, ...] = (WEB,)) -> list[Snapshot]:
    return [
        host()._replace(
            resources={
                ref: Resources(
                    cpu=Cpu(usage=0, percent=percent), memory=Memory(used=9, working_set=8, anon=7)
                )
                for ref in refs
            },
        )
        for percent in percents
    ]


def history(*snapshots: Snapshot) -> History:
    one = History()
    for snapshot in snapshots:
        one.add(snapshot)
    return one


def test_figures_are_remembered_in_their_order() -> None:
    one = history(*using(None, 1.5, 2.5))

    assert math.isnan(one.values(WEB, "cpu")[0])
    assert list(one.values(WEB, "cpu"))[1:] == [1.5, 2.5]
    assert list(one.values(WEB, "memory")) == [8.0] * 3
    assert all(math.isnan(value) for value in one.values(WEB, "io"))
    assert list(one.values("docker/other", "cpu")) == []


def test_only_the_last_minutes_are_kept() -> None:
    one = history(*using(*range(LONGEST + 5)))

    assert len(one.values(WEB, "cpu")) == LONGEST
    assert one.values(WEB, "cpu")[0] == 5.0


def test_reading_that_is_given_again_is_no_news() -> None:
    (snapshot,) = using(1.5)

    assert list(history(snapshot, snapshot._replace()).values(WEB, "cpu")) == [1.5]


def test_who_rests_gives_the_same_reading_and_time_goes_on() -> None:
    (first,) = using(1.5)
    (rest,) = using(0.0)
    looks = [first, *(rest._replace(taken=first.taken + 2.0 * n) for n in (1, 2, 3))]
    soon = rest._replace(taken=looks[-1].taken + 0.1)
    earlier = rest._replace(taken=first.taken - 3600.0)  # the clock was set

    assert list(history(*looks, soon, earlier).values(WEB, "cpu")) == [1.5, 0.0, 0.0, 0.0, 0.0]


def test_repeats_are_looks_that_have_found_the_same() -> None:
    (first,) = using(1.5)
    looks = [first._replace(taken=first.taken + 2.0 * n) for n in range(4)]
    one = history(*looks)
    assert one.repeats(WEB) == 3
    assert one.repeats("docker/other") == 0
    for snapshot in using(1.5):  # equal, and measured anew
        one.add(snapshot)
    assert one.repeats(WEB) == 0
    assert list(one.values(WEB, "cpu")) == [1.5] * 5
    for number in range(LONGEST + 5):
        one.add(looks[0]._replace(taken=looks[-1].taken + 2.0 * number))
    assert list(one.values(WEB, "cpu")) == [1.5] * LONGEST


def test_what_was_given_away_stays_as_it_is() -> None:
    one = history(*using(1.0, 2.0))
    values = one.values(WEB, "cpu")
    for snapshot in using(3.0):
        one.add(snapshot)

    assert list(values) == [1.0, 2.0]


def test_what_is_gone_is_forgotten() -> None:
    one = history(*using(1.0), *using(2.0, refs=(DB,)))

    assert list(one.values(WEB, "cpu")) == []
    assert list(one.values(DB, "cpu")) == [2.0]


def test_sums_begin_with_the_oldest() -> None:
    one = history(*using(1.0), *using(None, 2.0, refs=(WEB, DB)))
    containers = [one for one in host().containers if one.ref in (WEB, DB)]

    assert one.sums(containers, "cpu") == [1.0, 0.0, 4.0]
    assert one.sums([], "cpu") == []
