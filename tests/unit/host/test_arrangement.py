"""What is put together once stays for as long as it would come out the same."""

from __future__ import annotations

import pytest

from nsview.engines.base import Record
from nsview.host.arrangement import Arrangement, have_only_run
from nsview.kernel.task import CgroupPath, Task

ONE = Task(
    pid=7,
    start_time=70,
    ppid=1,
    pids=(7, 1),
    namespaces=(1, 2, 3, 4, 5, 6, 7, 8),
    pid_for_children=3,
    time_for_children=8,
    uid=0,
    cgroups=(CgroupPath(0, "", "/a"),),
    comm="one",
    state="S",
    threads=1,
    kernel_thread=False,
)
TWO = ONE._replace(pid=9, comm="two")
BEFORE = {7: ONE, 9: TWO}


def test_nothing_happened() -> None:
    assert have_only_run(BEFORE, dict(BEFORE))
    assert have_only_run({}, {})


def test_running_and_threads_are_no_change() -> None:
    assert have_only_run(BEFORE, {7: ONE._replace(state="R", threads=4), 9: TWO})


@pytest.mark.parametrize(
    "change",
    [
        {"start_time": 71},
        {"ppid": 2},
        {"namespaces": (1, 2, 3, 4, 5, 6, 7, 9)},
        {"pid_for_children": 4},
        {"uid": 5},
        {"cgroups": ()},
        {"comm": "exec"},
    ],
)
def test_anything_else_is(change: dict[str, object]) -> None:
    assert not have_only_run(BEFORE, {7: ONE, 9: TWO._replace(**change)})  # type: ignore[arg-type]


def test_coming_and_going_is() -> None:
    assert not have_only_run(BEFORE, {7: ONE})
    assert not have_only_run({7: ONE}, BEFORE)
    assert not have_only_run(BEFORE, {7: ONE, 10: TWO._replace(pid=10)})


def arrangement(**more: object) -> Arrangement:
    parts: dict[str, object] = {
        "tasks": BEFORE,
        "initial": {"mnt": 1},
        "records": (),
        "wanted": (True,),
        "frozen": {ONE.cgroups: False},
        "containers": (),
        "membership": {},
        "commands": {},
        "pid_parents": {},
        "partial": (),
    }
    return Arrangement(**{**parts, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"tasks": {7: ONE}}, False),
        ({"initial": {"mnt": 2}}, False),
        ({"records": (Record(engine="docker", id="a", user=0, home="/"),)}, False),
        ({"wanted": (False,)}, False),
        ({"frozen": {ONE.cgroups: True}}, False),  # somebody has resumed it
    ],
)
def test_holds_until_something_counts(change: dict[str, object], holds: bool) -> None:
    made = arrangement(**change)
    assert made.still_holds(BEFORE, {"mnt": 1}, (), (True,), lambda _: False) is holds
