"""Bytes that a container's processes read and write, where no control group counts them.

What a process has done is gone with it, so only growth is added up, and what a process does between
its last reading and its end is missing.
"""

from __future__ import annotations

import time
from dataclasses import replace

from nsview.host.resources import Io, rate
from nsview.host.task_changes import has_rested
from nsview.kernel.cgroup_files import Read, read_file
from nsview.kernel.cgroup_io import IoCounters
from nsview.kernel.process_usage import parse_process_io
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.typed import Collection, Iterable


class ProcessIo:
    """One container. `read` remembers each process for the rates of the next."""

    def __init__(self, procfs: Procfs, read: Read = read_file) -> None:
        """`read` may keep descriptors: they are of a process, and give nothing once it is gone."""
        self._procfs = procfs
        self._read = read
        self._before: dict[tuple[int, int], IoCounters] = {}
        self._moment: float | None = None
        self._total = IoCounters()

    def read(self, tasks: Iterable[Task], ran: Collection[int] | None = None) -> Io | None:
        """Sums now; None where the kernel does not let us look (it takes ptrace's rights).

        `ran`: pids of those that may have run since the last time; the others are not read again.
        """
        tasks, moment, before = list(tasks), time.monotonic(), self._total
        seconds = moment - self._moment if self._moment is not None else 0.0
        now = {
            task.identity: one
            for task in tasks
            if (one := self._unchanged(task, ran) or self._look(task)) is not None
        }
        if tasks and not now:
            return None
        for identity, one in now.items():
            known = self._before.get(identity, IoCounters())
            self._total = IoCounters(
                self._total.read + one.read - known.read,
                self._total.written + one.written - known.written,
            )
        self._before, self._moment = now, moment
        return Io(
            read_bytes=self._total.read,
            written_bytes=self._total.written,
            read=rate(self._total.read, before.read, seconds),
            write=rate(self._total.written, before.written, seconds),
            counted="processes",
        )

    def rest(self, last: Io | None) -> Io | None:
        """What `read` would say when none of the same processes has run since it said `last`."""
        self._moment = time.monotonic()
        if last is None or last.read == last.write == 0.0:
            return last
        return replace(last, read=0.0, write=0.0)

    def _unchanged(self, task: Task, ran: Collection[int] | None) -> IoCounters | None:
        return self._before.get(task.identity) if has_rested(task, ran) else None

    def _look(self, task: Task) -> IoCounters | None:
        data = self._read(self._procfs.path(task.pid, "io"))
        return parse_process_io(data) if data else None
