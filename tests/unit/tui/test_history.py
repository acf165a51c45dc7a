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


def test_what_is_gone_is_forgotten() -> None:
    one = history(*using(1.0), *using(2.0, refs=(DB,)))

    assert list(one.values(WEB, "cpu")) == []
    assert list(one.values(DB, "cpu")) == [2.0]


def test_sums_begin_with_the_oldest() -> None:
    one = history(*using(1.0), *using(None, 2.0, refs=(WEB, DB)))
    containers = [one for one in host().containers if one.ref in (WEB, DB)]

    assert one.sums(containers, "cpu") == [1.0, 0.0, 4.0]
    assert one.sums([], "cpu") == []
