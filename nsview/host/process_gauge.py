"""Sums over the processes of a container that has no control group of its own.

Memory that several processes share is left out: nobody can say how often it would be counted.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

from nsview.host.process_io import ProcessIo
from nsview.host.resources import Cpu, Memory, Pids, Resources, rate
from nsview.host.task_changes import has_rested
from nsview.kernel.process_usage import parse_statm
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import parse_stat
from nsview.kernel.task import Task
from nsview.named_tuple import NamedTuple
from nsview.typed import Collection, Iterable

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_PERCENT = 100.0


class _Used(NamedTuple):
    ticks: int
    anon: int
    """Bytes."""


class ProcessGauge:
    """One container. `read` remembers each process for the rates of the next."""

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._io = ProcessIo(procfs)
        self._before: dict[tuple[int, int], _Used] = {}
        self._moment: float | None = None
        self._ticks = 0

    def read(self, tasks: Iterable[Task], ran: Collection[int] | None = None) -> Resources:
        """Sums now; a process that vanishes meanwhile is left out.

        `ran`: pids of those that may have run since the last time; the others are not read again.
        """
        tasks, moment, before = list(tasks), time.monotonic(), self._ticks
        seconds = moment - self._moment if self._moment is not None else 0.0
        now = {
            task.identity: one
            for task in tasks
            if (one := self._unchanged(task, ran) or self._look(task)) is not None
        }
        self._ticks += sum(
            one.ticks - (self._before[identity].ticks if identity in self._before else 0)
            for identity, one in now.items()
        )
        self._before, self._moment = now, moment
        grown = rate(self._ticks / _TICKS, before / _TICKS, seconds)
        anon = sum(one.anon for one in now.values())
        return Resources(
            counted="processes",
            cpu=Cpu(
                usage=self._ticks / _TICKS, percent=None if grown is None else grown * _PERCENT
            ),
            memory=Memory(used=anon, working_set=anon, anon=anon),
            io=self._io.read(tasks, ran),
            pids=Pids(current=sum(task.threads for task in tasks)),
        )

    def rest(self, last: Resources) -> Resources:
        """What `read` would say when none of the same processes has run since it said `last`."""
        self._moment = time.monotonic()
        io = self._io.rest(last.io)
        if io is last.io and last.cpu is not None and last.cpu.percent == 0.0:
            return last
        return replace(last, cpu=Cpu(usage=self._ticks / _TICKS, percent=0.0), io=io)

    def _unchanged(self, task: Task, ran: Collection[int] | None) -> _Used | None:
        return self._before.get(task.identity) if has_rested(task, ran) else None

    def _look(self, task: Task) -> _Used | None:
        try:
            stat = self._procfs.read_record(task.pid, "stat")
            statm = self._procfs.read_record(task.pid, "statm")
            if not stat or not statm:
                return None
            times, pages = parse_stat(stat), parse_statm(statm)
        except (ValueError, PermissionError):
            return None  # it is ending, or hidden
        if times.start_time != task.start_time:
            return None
        return _Used(times.utime + times.stime, max(0, pages.resident - pages.shared) * _PAGE)
