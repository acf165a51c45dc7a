"""Who came, went and became something else between two looks."""

from __future__ import annotations

import pytest

from nsview.host.task_changes import TaskChanges, find_task_changes
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
    assert find_task_changes(BEFORE, BEFORE) == TaskChanges()
    assert find_task_changes(BEFORE, {7: ONE, 9: TWO}) == TaskChanges()
    assert find_task_changes({}, {}).none


def test_running_and_threads_are_activity() -> None:
    busy = ONE._replace(state="R", threads=4)
    changes = find_task_changes(BEFORE, {7: busy, 9: TWO})
    assert changes == TaskChanges(active=(busy,))
    assert changes.none


def test_worker_of_the_kernel_that_works_at_something_else_is_the_same_one() -> None:
    worker = ONE._replace(comm="kworker/0:1-events", kernel_thread=True)
    other = worker._replace(comm="kworker/0:1-flush-254:0")
    assert find_task_changes({7: worker}, {7: other}) == TaskChanges(active=(other,))


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
def test_who_became_something_else_went_and_came(change: dict[str, object]) -> None:
    other = TWO._replace(**change)  # type: ignore[arg-type]
    changes = find_task_changes(BEFORE, {7: ONE, 9: other})
    assert changes == TaskChanges(gone=(TWO,), came=(other,))
    assert not changes.none


def test_coming_and_going() -> None:
    third = TWO._replace(pid=10)
    assert find_task_changes(BEFORE, {7: ONE}) == TaskChanges(gone=(TWO,))
    assert find_task_changes({7: ONE}, BEFORE) == TaskChanges(came=(TWO,))
    assert find_task_changes({}, BEFORE) == TaskChanges(came=(ONE, TWO))
    assert find_task_changes(BEFORE, {7: ONE, 10: third}) == TaskChanges((TWO,), (third,))
