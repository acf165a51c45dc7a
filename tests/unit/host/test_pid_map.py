"""PIDs at every level, in both directions."""

from __future__ import annotations

from support import made_up

from nsview.host.model import PidLevel, Snapshot
from nsview.host.pid_map import pid_levels, pid_ns_chain, tasks_with_inner_pid
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task


def task(pids: tuple[int, ...], pid_ns: int) -> Task:
    inodes = tuple(pid_ns if kind == "pid" else 0 for kind in KINDS)
    return made_up.task(pids[0], pids=pids, namespaces=inodes, pid_for_children=pid_ns)


OUTER = task((700, 7), 20)
INNER = task((701, 9, 7), 30)
SNAPSHOT = Snapshot(
    tasks={700: OUTER, 701: INNER},
    containers=(),
    membership={},
    initial={},
    pid_parents={30: 20, 20: 10},
)


def test_each_number_with_its_namespace() -> None:
    assert pid_levels(SNAPSHOT, INNER) == (PidLevel(701, 10), PidLevel(9, 20), PidLevel(7, 30))


def test_a_hidden_parent_leaves_its_level_unnamed() -> None:
    unknown = Snapshot(tasks={}, containers=(), membership={}, initial={})
    assert pid_levels(unknown, OUTER) == (PidLevel(700, 0), PidLevel(7, 20))


def test_ancestors_above_the_readers_namespace_are_left_out() -> None:
    inside = Snapshot(
        tasks={}, containers=(), membership={}, initial={}, pid_parents={20: 10, 10: 5}
    )
    assert pid_levels(inside, OUTER) == (PidLevel(700, 10), PidLevel(7, 20))


def test_back_from_an_inner_number() -> None:
    assert tasks_with_inner_pid(SNAPSHOT, 7) == [OUTER, INNER]
    assert tasks_with_inner_pid(SNAPSHOT, 7, pid_ns=20) == [OUTER]
    assert tasks_with_inner_pid(SNAPSHOT, 9, pid_ns=30) == []


def test_a_loop_among_reused_inodes_ends() -> None:
    assert pid_ns_chain(1, {1: 2, 2: 1}) == (2, 1)
