"""The census: one row for every process, from whichever source can give it.

A source is anything with a `read` that returns `Task` rows; one `Snapshot` is built from them. The
source here is /proc. It reads a process again only when it may have changed: **a task that has not
run cannot have called setns, unshare, execve or setuid**, and /proc/PID/schedstat tells with one
small read how often it has run (Documentation/scheduler/sched-stats.rst).
"""

from __future__ import annotations

import os
from typing import NamedTuple, Protocol

from nsview.kernel.cgroup import parse_cgroup
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import PF_KTHREAD, parse_stat
from nsview.kernel.status import parse_identity
from nsview.kernel.task import CgroupPath, Task

_PID = KINDS.index("pid")

#: What others change without the task running (its cgroup, its parent, its other threads) is seen
#: at the latest after so many reads.
_REREAD_EVERY = 16


class CensusSource(Protocol):
    """Where rows come from."""

    @property
    def name(self) -> str:
        """In the words of ``--census`` and ``doctor``."""

    def read(self) -> dict[int, Task]:
        """Every process that is there now, by its pid, ascending."""


class _Seen(NamedTuple):
    task: Task
    schedstat: bytes


class ProcfsCensus:
    """The census from /proc, with a memory of what has not run since the last read."""

    name = "procfs"

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._seen: dict[int, _Seen] = {}
        self._reads = 0
        self._own_pid_ns = 0
        self._has_schedstat = _has_schedstat(procfs)

    def read(self) -> dict[int, Task]:
        """Every process by its pid; one that vanishes meanwhile is left out."""
        self._reads += 1
        self._own_pid_ns = _pid_ns_of_reader(self._procfs)
        seen: dict[int, _Seen] = {}
        for pid in self._procfs.pids():
            row = self._look(pid)
            if row is not None:
                seen[pid] = row
        self._adopt_orphans(seen)
        self._seen = seen
        return {pid: row.task for pid, row in seen.items()}

    def _look(self, pid: int) -> _Seen | None:
        schedstat = self._schedstat(pid)
        known = self._seen.get(pid)
        due = (pid + self._reads) % _REREAD_EVERY == 0
        if known is not None and schedstat and schedstat == known.schedstat and not due:
            return known
        task = read_task(self._procfs, pid, self._own_pid_ns)
        if task is None:
            return None
        if known is not None and known.task == task:
            task = known.task  # the same object, so that who compares by identity sees no change
        return _Seen(task, schedstat)

    def _schedstat(self, pid: int) -> bytes:
        # Empty where it says nothing: no such file, scheduler statistics off, never run.
        if not self._has_schedstat:
            return b""
        try:
            data = self._procfs.read_record(pid, "schedstat")
        except PermissionError:
            return b""
        return b"" if data is None or data.startswith(b"0 ") else data

    def _adopt_orphans(self, seen: dict[int, _Seen]) -> None:
        # A child whose parent has died is given a new one without running.
        for pid, row in seen.items():
            if row.task.ppid and row.task.ppid not in seen:
                task = read_task(self._procfs, pid, self._own_pid_ns)
                if task is not None:
                    seen[pid] = row._replace(task=task)


def read_task(procfs: Procfs, pid: int, own_pid_ns: int) -> Task | None:
    """One process, or None when it is gone.

    `own_pid_ns` is the pid namespace of `procfs`: whoever is in it has one number only, and its
    /proc/PID/status need not be read.
    """
    try:
        data = procfs.read_record(pid, "stat")
        if data is None:
            return None
        stat = parse_stat(data)
        links = read_namespaces(procfs, pid)
        if links is None:
            return None
        if links[_PID] == own_pid_ns:
            pids: tuple[int, ...] = (pid,)
            uid = _effective_uid(procfs, pid)
        else:
            uid, pids = _identity(procfs, pid)
        return Task(
            pid=pid,
            start_time=stat.start_time,
            ppid=stat.ppid,
            pids=pids,
            namespaces=links[: len(KINDS)],
            pid_for_children=links[len(KINDS)],
            time_for_children=links[len(KINDS) + 1],
            uid=uid,
            cgroups=_cgroups(procfs, pid),
            comm=stat.comm,
            state=stat.state,
            threads=stat.num_threads,
            kernel_thread=bool(stat.flags & PF_KTHREAD),
        )
    except (ValueError, FileNotFoundError, ProcessLookupError, PermissionError):
        return None  # it went away between two reads (or hidepid hides it): not there


def _effective_uid(procfs: Procfs, pid: int) -> int:
    # task_dump_owner() in fs/proc/base.c: the directory itself always belongs to the effective
    # uid; only what is below it turns to root for a process that may not be dumped.
    return os.stat(procfs.path(pid)).st_uid


def _identity(procfs: Procfs, pid: int) -> tuple[int, tuple[int, ...]]:
    data = procfs.read_record(pid, "status")
    if data is None:
        raise ProcessLookupError
    uid, pids = parse_identity(data)
    return uid, pids or (pid,)


def _cgroups(procfs: Procfs, pid: int) -> tuple[CgroupPath, ...]:
    data = procfs.read_record(pid, "cgroup")
    return parse_cgroup(data) if data else ()


def _pid_ns_of_reader(procfs: Procfs) -> int:
    # What /proc shows depends on the pid namespace that it was mounted in, which is ours unless
    # somebody bind mounted another one; `self` is missing or foreign then.
    try:
        links = read_namespaces(procfs, os.getpid())
    except PermissionError:
        return 0
    return links[_PID] if links is not None else 0


def _has_schedstat(procfs: Procfs) -> bool:
    try:
        data = procfs.read(os.getpid(), "schedstat")
    except PermissionError:
        return False
    return data is not None and not data.startswith(b"0 0 0")
