"""The census: one row for every process, from whichever source can give it.

A source is anything with a `read` that returns `Task` rows; one `Snapshot` is built from them. The
source here is /proc. It reads a process again only when it may have changed: **a task that has not
run cannot have called setns, unshare, execve or setuid**, and /proc/PID/schedstat tells with one
small read how often it has run (Documentation/scheduler/sched-stats.rst).
"""

from __future__ import annotations

import os

from nsview.kernel.cgroup import parse_cgroup
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces, read_namespaces_of_kernel
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import PF_KTHREAD, parse_stat
from nsview.kernel.status import parse_identity
from nsview.kernel.task import CgroupPath, Task
from nsview.named_tuple import NamedTuple
from nsview.typed import Collection, Mapping, Protocol

_PID = KINDS.index("pid")

#: What others change without the task running (its cgroup, its parent, its other threads) is seen
#: at the latest after so many reads.
_REREAD_EVERY = 16
#: States of what has ended: zombie, dead.
_ENDED = ("Z", "X")

ThreadLinks = Mapping[tuple[int, int], tuple[int, ...]]
"""(pid, tid) -> ten inodes, as `nsview.kernel.ns_links.read_namespaces` gives them, of every thread
that may be in other namespaces than its process."""


class CensusSource(Protocol):
    """Where rows come from."""

    @property
    def name(self) -> str:
        """In the words of ``--census`` and ``doctor``."""

    @property
    def threads(self) -> ThreadLinks | None:
        """Of the last read; None where this source does not look at threads."""

    @property
    def ran(self) -> Collection[int]:
        """Pids of those whose first thread may have run between the last two reads.

        Who is running all the time may be missing: its state tells.
        """

    def read(self) -> dict[int, Task]:
        """Every process that is there now, by its pid, ascending."""

    def namespace_descriptors(self) -> Collection[tuple[int, int]] | None:
        """(pid, descriptor) of every open file that is a namespace; None where it cannot tell."""


class _Seen(NamedTuple):
    task: Task
    schedstat: bytes


class ProcfsCensus:
    """The census from /proc, with a memory of what has not run since the last read."""

    name = "procfs"
    threads = None

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._seen: dict[int, _Seen] = {}
        self._reads = 0
        self._own_pid_ns = 0
        self._of_kernel: dict[int, tuple[int, ...]] = {}
        self._has_schedstat = _has_schedstat(procfs)
        self.ran: set[int] = set()

    def read(self) -> dict[int, Task]:
        """Every process by its pid; one that vanishes meanwhile is left out."""
        self._reads += 1
        self._own_pid_ns = _pid_ns_of(self._procfs)
        self.ran = set()
        seen: dict[int, _Seen] = {}
        for pid in self._procfs.pids():
            row = self._look(pid)
            if row is not None:
                seen[pid] = row
        self._adopt_orphans(seen)
        self._seen = seen
        return {pid: row.task for pid, row in seen.items()}

    def namespace_descriptors(self) -> None:
        """Those of every process have to be read."""

    def _look(self, pid: int) -> _Seen | None:
        schedstat = self._schedstat(pid)
        known = self._seen.get(pid)
        due = (pid + self._reads) % _REREAD_EVERY == 0
        if known is not None and schedstat and schedstat == known.schedstat and not due:
            return known
        self.ran.add(pid)
        task = read_task(self._procfs, pid, self._own_pid_ns, self._of_kernel)
        if task is None:
            return None
        if known is not None and known.task == task:
            task = known.task  # the same object, so that who compares by identity sees no change
        return _Seen(task, schedstat)

    def _schedstat(self, pid: int) -> bytes:
        # Empty where it says nothing: no such file, scheduler statistics off, never run. The first
        # read has nothing to compare with, and is the only one that a command makes.
        if not self._has_schedstat or self._reads == 1:
            return b""
        try:
            data = self._procfs.read_record(pid, "schedstat")
        except PermissionError:
            return b""
        return b"" if data is None or data.startswith(b"0 ") else data

    def _adopt_orphans(self, seen: dict[int, _Seen]) -> None:
        # A child whose parent has died is given a new one without running.
        orphans = [pid for pid, row in seen.items() if _lost_its_parent(row.task, seen)]
        for pid in orphans:
            task = read_task(self._procfs, pid, self._own_pid_ns)
            if task is None:
                del seen[pid]
            elif task != seen[pid].task:
                seen[pid] = seen[pid]._replace(task=task)


def _lost_its_parent(task: Task, seen: Mapping[int, _Seen]) -> bool:
    # Its parent is gone, has ended unreaped (a zombie has no children), or was another process:
    # who is younger than the child has only been given the same number.
    if not task.ppid:
        return False
    parent = seen.get(task.ppid)
    return parent is None or parent.task.state in _ENDED or parent.task.start_time > task.start_time


def read_task(
    procfs: Procfs,
    pid: int,
    own_pid_ns: int,
    of_kernel: dict[int, tuple[int, ...]] | None = None,
) -> Task | None:
    """One process, or None when it is gone.

    `own_pid_ns` is the pid namespace of `procfs`: whoever is in it has one number only, and its
    /proc/PID/status need not be read. 0 where that is not known. `of_kernel` remembers the
    namespaces of the kernel's own threads, for the next one.
    """
    try:
        data = procfs.read_record(pid, "stat")
        if data is None:
            return None
        stat = parse_stat(data)
        kernel_thread = bool(stat.flags & PF_KTHREAD)
        if kernel_thread and of_kernel is not None:
            links = read_namespaces_of_kernel(procfs, pid, of_kernel)
        else:
            links = read_namespaces(procfs, pid)
        if links is None:
            return None
        if own_pid_ns and links[_PID] == own_pid_ns:
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
            kernel_thread=kernel_thread,
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


def _pid_ns_of(procfs: Procfs) -> int:
    # The one that it was mounted in, which is ours if it knows us by one number only. That of an
    # outer one (the host's, given to a container) knows us by two, and of any other one has no
    # `self`. Then it is 0, and everybody's numbers are read.
    try:
        _, pids = parse_identity(procfs.read_global("self/status"))
    except ValueError:
        return 0
    links = read_namespaces(procfs, pids[0]) if len(pids) == 1 else None
    return links[_PID] if links is not None else 0


def _has_schedstat(procfs: Procfs) -> bool:
    data = procfs.read_global("self/schedstat")
    return data != b"" and not data.startswith(b"0 0 0")
