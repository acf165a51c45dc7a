"""Looking at a host that never rests: no error, nobody who is not there, nothing left behind."""

from __future__ import annotations

import gc
import os
import time

import pytest
from support.churn import churn
from support.processes import children, started, wait_until

from nsview.errors import NsviewError
from nsview.host.census_choice import Wanted, choose_census
from nsview.host.host import Host
from nsview.host.model import Snapshot
from nsview.host.namespaces import read_namespaces
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

_LOOKS = 40


def assert_whole(snapshot: Snapshot) -> None:
    """Everybody is in one place, and nobody else."""
    members = [pid for one in snapshot.containers for pid in one.members]
    assert len(members) == len(set(members))
    assert set(members) == set(snapshot.tasks)
    refs = [one.ref for one in snapshot.containers]
    assert len(refs) == len(set(refs))
    assert set(snapshot.membership.values()) <= set(refs)
    assert all(one.pid in snapshot.tasks for one in snapshot.containers if one.pid is not None)


@pytest.mark.parametrize("name", ["procfs", "bpf"])
def test_looks_while_processes_come_and_go(name: Wanted) -> None:
    try:
        host = Host(Procfs(), choose_census(Procfs(), name))
    except NsviewError as error:
        pytest.skip(error.message)
    before = _descriptors(host)
    with started("cat") as lasting, churn() as top:
        for look in range(_LOOKS):
            snapshot = host.snapshot(commands=True, stopped=True, resources=True, traffic=True)
            assert_whole(snapshot)
            assert lasting.pid in snapshot.tasks
            assert top in snapshot.tasks
            if look % 10 == 9:
                read_namespaces(host.procfs, snapshot, source=host.source)
        wait_until(lambda: _seen_as_they_are(host, top))
    # Those that are kept are of what is there now; somebody else may have started something.
    wait_until(lambda: _descriptors(host) < before + _LOOKS // 2)


def _descriptors(host: Host) -> int:
    host.snapshot(resources=True, traffic=True)
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def _seen_as_they_are(host: Host, top: int) -> bool:
    """Nobody whose end was seen before the look is in it: no ghosts."""
    seen = {pid for pid, task in host.snapshot().tasks.items() if task.ppid == top}
    time.sleep(0.1)  # each lives for milliseconds
    gone = {pid for pid in seen if not os.path.exists(f"/proc/{pid}")}
    now = host.snapshot().tasks
    return bool(gone) and not any(
        pid in now and not os.path.exists(f"/proc/{pid}") for pid in gone - set(children(top))
    )
