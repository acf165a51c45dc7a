"""What single processes and threads use: two figures of /proc/PID/stat. proc_pid_stat(5)."""

from __future__ import annotations

import os
import time
from itertools import chain

from nsview.host.resources import rate
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import Stat, parse_stat
from nsview.kernel.task import Task
from nsview.named_tuple import NamedTuple
from nsview.typed import Iterable, Mapping

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_PERCENT = 100.0

Identity = tuple[int, int]


class Used(NamedTuple):
    """By one process, all its threads, or by one thread."""

    cpu: float | None = None
    """Per cent of one processor since the last look; None at the first."""
    memory: int = 0
    """Resident bytes, shared ones among them. Threads have those of their process."""


class TaskGauge:
    """`read` remembers each process for the rates of the next; one thread owns it."""

    def __init__(self) -> None:
        self._before: dict[Identity, int] = {}
        self._moment = 0.0

    def read(
        self, procfs: Procfs, processes: Iterable[Task], threads: Iterable[Task] = ()
    ) -> Mapping[Identity, Used]:
        """By identity; what vanishes meanwhile is left out. `threads`: see `read_threads`."""
        moment = time.monotonic()
        seconds = moment - self._moment
        used, ticks = {}, {}
        whose = chain(((one, one.pid) for one in processes), ((one, one.ppid) for one in threads))
        for task, process in whose:
            stat = _read_stat(procfs, task, process)
            if stat is None:
                continue
            identity, now = task.identity, stat.utime + stat.stime
            before = self._before.get(identity)
            ticks[identity] = now
            grown = rate(now, before, seconds * _TICKS)
            used[identity] = Used(
                None if grown is None else grown * _PERCENT, max(0, stat.rss) * _PAGE
            )
        self._before, self._moment = ticks, moment
        return used


def _read_stat(procfs: Procfs, task: Task, process: int) -> Stat | None:
    name = "stat" if process == task.pid else f"task/{task.pid}/stat"
    try:
        data = procfs.read_record(process, name)
        stat = parse_stat(data) if data else None
    except (ValueError, PermissionError):
        return None  # it is ending, or hidden
    return stat if stat is not None and stat.start_time == task.start_time else None
