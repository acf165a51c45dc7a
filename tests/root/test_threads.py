"""Threads as rows, and what tasks use, of processes made for that."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support import processes

from nsview.host.host import Host
from nsview.host.model import Snapshot
from nsview.host.task_gauge import TaskGauge, Used
from nsview.host.threads import read_threads
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task

_NET = KINDS.index("net")
#: A thread of that name that does nothing, and a process that begins to work when it is told to.
_WORKER = """\
import sys, threading
sleeper = threading.Thread(target=threading.Event().wait, daemon=True)
sleeper.start()
open(f"/proc/self/task/{sleeper.native_id}/comm", "w").write("a sleeper")
print(sleeper.native_id, flush=True)
sys.stdin.readline()
while True: pass
"""


@pytest.fixture
def worker() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with processes.started(sys.executable, "-c", _WORKER) as process:
        yield process, int(processes.read_line(process))


def look() -> tuple[Host, Snapshot]:
    host = Host()
    return host, host.snapshot()


def threads_of(host: Host, snapshot: Snapshot, pid: int) -> list[Task]:
    return list(read_threads(host.procfs, snapshot, [pid]))


def test_threads_are_tasks_below_their_process(worker: tuple[subprocess.Popen[bytes], int]) -> None:
    process, tid = worker
    host, snapshot = look()
    (thread,) = threads_of(host, snapshot, process.pid)
    task = snapshot.tasks[process.pid]
    assert (thread.pid, thread.ppid, thread.comm) == (tid, process.pid, "a sleeper")
    assert (thread.uid, thread.namespaces) == (task.uid, task.namespaces)
    assert thread.start_time >= task.start_time
    assert threads_of(host, snapshot, os.getppid() + (1 << 22)) == []


def test_they_have_a_number_at_each_level() -> None:
    unshare = ("unshare", "--pid", "--kill-child", "--mount-proc", "--")
    with processes.started(*unshare, sys.executable, "-c", _WORKER) as process:
        inside = int(processes.read_line(process))
        host, snapshot = look()
        pid = processes.descendants(process.pid)[-1]
        (found,) = threads_of(host, snapshot, pid)
        own = snapshot.tasks[pid].pids
    assert (found.pids[0], found.pids[-1]) == (found.pid, inside)
    assert (own[-1], len(found.pids)) == (1, len(own))


def test_one_that_has_left_its_process_is_where_it_went() -> None:
    with processes.thread_in_new_namespace("net") as held:
        host, snapshot = look()
        found = {one.pid: one for one in threads_of(host, snapshot, held.pid)}
        assert found[held.tid].namespaces[_NET] == held.ino
        assert snapshot.tasks[held.pid].namespaces[_NET] != held.ino


def test_what_they_use(worker: tuple[subprocess.Popen[bytes], int]) -> None:
    process, tid = worker
    host, snapshot = look()
    task, threads = snapshot.tasks[process.pid], threads_of(host, snapshot, process.pid)
    gauge = TaskGauge()
    first = gauge.read(host.procfs, [task], threads)
    assert first[task.identity].cpu is None
    assert first[task.identity].memory > 1 << 20
    processes.write_line(process, "work")

    def works() -> Used | None:
        used = gauge.read(host.procfs, [task], threads)
        assert used[threads[0].identity].cpu == 0.0
        return used[task.identity] if used[task.identity].cpu else None

    assert processes.wait_until(works).cpu > 0
    assert threads[0].pid == tid
    reused = task._replace(start_time=task.start_time - 1)
    assert gauge.read(host.procfs, [reused]) == {}
