"""The threads of processes besides the first one, which is what is listed as the process.

A thread is a task as any other: it has numbers, a name, a user and, if it has called unshare(2) or
setns(2), namespaces of its own. The census counts threads and does not list them: a host has ten
times as many as processes, and each costs as much to read.
"""

from __future__ import annotations

from nsview.host.model import Snapshot
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import parse_stat
from nsview.kernel.status import parse_identity
from nsview.kernel.task import Task
from nsview.typed import Iterable, Iterator


def read_threads(procfs: Procfs, snapshot: Snapshot, pids: Iterable[int]) -> Iterator[Task]:
    """A row for each; its `ppid` is its process. Who ends meanwhile, or is hidden, is left out."""
    for pid in pids:
        process = snapshot.tasks.get(pid)
        if process is None or process.threads < 2:
            continue
        for tid in _tids(procfs, pid):
            if tid != pid and (thread := _read_thread(procfs, snapshot, process, tid)) is not None:
                yield thread


def _tids(procfs: Procfs, pid: int) -> list[int]:
    try:
        return procfs.threads(pid)
    except PermissionError:
        return []


def _read_thread(procfs: Procfs, snapshot: Snapshot, process: Task, tid: int) -> Task | None:
    try:
        stat_line = procfs.read_record(process.pid, f"task/{tid}/stat")
        status = procfs.read_record(process.pid, f"task/{tid}/status")
        if not stat_line or not status:
            return None
        stat = parse_stat(stat_line)
        uid, pids = parse_identity(status)
    except (ValueError, PermissionError):
        return None
    links = _links(procfs, snapshot, process, tid)
    return process._replace(
        pid=tid,
        start_time=stat.start_time,
        ppid=process.pid,
        pids=pids or (tid,),
        namespaces=process.namespaces if links is None else links[: len(KINDS)],
        uid=uid,
        comm=stat.comm,
        state=stat.state,
        threads=0,
    )


def _links(procfs: Procfs, snapshot: Snapshot, process: Task, tid: int) -> tuple[int, ...] | None:
    """Its namespaces, where they may be others than those of its process."""
    if snapshot.threads is not None:
        return snapshot.threads.get((process.pid, tid))
    links = read_namespaces(procfs, process.pid, tid)
    return links if links and any(links) else None
