from __future__ import annotations

from pathlib import Path

import pytest
from support import made_up

from nsview.host.partial import partial_reasons
from nsview.kernel.namespaces import INITIAL_INODES, KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task

_HOST = tuple(INITIAL_INODES[kind] for kind in KINDS)


def _task(pid: int, *, readable: bool = True, state: str = "S") -> Task:
    namespaces = _HOST if readable else (0,) * len(KINDS)
    return made_up.task(pid, namespaces=namespaces, state=state)


def _tasks(*tasks: Task) -> dict[int, Task]:
    return {task.pid: task for task in tasks}


@pytest.fixture
def procfs(tmp_path: Path) -> Procfs:
    """A /proc in which we are nobody special, and have every capability."""
    own = tmp_path / "self"
    own.mkdir()
    (own / "status").write_text("Name:\tx\nCapEff:\t000001ffffffffff\n")
    return Procfs(str(tmp_path))


def test_a_complete_view_has_nothing_to_say(procfs: Procfs) -> None:
    assert partial_reasons(procfs, _tasks(_task(1), _task(2)), INITIAL_INODES) == ()


def test_init_alone_unreadable_costs_certainty_only(procfs: Procfs) -> None:
    (reason,) = partial_reasons(procfs, _tasks(_task(1, readable=False)), INITIAL_INODES)
    assert reason.startswith("PID 1 unreadable")


def test_others_unreadable_are_named(procfs: Procfs) -> None:
    tasks = _tasks(_task(1), *(_task(pid, readable=False) for pid in (5, 6, 7, 8)))
    (reason,) = partial_reasons(procfs, tasks, INITIAL_INODES)
    assert reason == "namespaces of 4 processes unreadable: 5, 6, 7, ..."


def test_a_zombie_has_no_namespaces_and_is_not_missing_any(procfs: Procfs) -> None:
    tasks = _tasks(_task(1), _task(9, readable=False, state="Z"))
    assert partial_reasons(procfs, tasks, INITIAL_INODES) == ()


def test_without_the_capability_that_is_the_reason(procfs: Procfs) -> None:
    Path(procfs.path("self", "status")).write_text("CapEff:\t0000000000000000\n")
    tasks = _tasks(_task(1, readable=False), _task(5, readable=False), _task(6))
    (reason,) = partial_reasons(procfs, tasks, INITIAL_INODES)
    assert reason == "no CAP_SYS_PTRACE: namespaces of 2 processes unreadable"


def test_a_proc_without_init_hides_processes(procfs: Procfs) -> None:
    mountinfo = f"30 1 0:20 / {procfs.root} rw - proc proc rw,hidepid=invisible\n"
    Path(procfs.path("self", "mountinfo")).write_text(mountinfo)
    (reason,) = partial_reasons(procfs, _tasks(_task(9)), INITIAL_INODES)
    assert reason.startswith("/proc is mounted with hidepid=invisible:")
