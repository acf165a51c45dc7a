"""Bytes that a container's processes read and write, where no control group counts them.

What a process has done is gone with it, so only growth is added up, and what a process does between
its last reading and its end is missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from nsview.host.resources import Io, rate
from nsview.kernel.cgroup_files import Read, read_file
from nsview.kernel.cgroup_io import IoCounters
from nsview.kernel.process_usage import parse_process_io
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task


class ProcessIo:
    """One container. `read` remembers each process for the rates of the next."""

    def __init__(self, procfs: Procfs, read: Read = read_file) -> None:
        """`read` may keep descriptors: they are of a process, and give nothing once it is gone."""
        self._procfs = procfs
        self._read = read
        self._before: dict[tuple[int, int], IoCounters] = {}
        self._moment: float | None = None
        self._total = IoCounters()

    def read(self, tasks: Iterable[Task]) -> Io | None:
        """Sums now; None where the kernel does not let us look (it takes ptrace's rights)."""
        tasks, moment, before = list(tasks), time.monotonic(), self._total
        seconds = moment - self._moment if self._moment is not None else 0.0
        now = {
            task.identity: parse_process_io(data)
            for task in tasks
            if (data := self._read(self._procfs.path(task.pid, "io")))
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
