"""What is read for a table of processes besides the census. Called on the scanner's thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nsview.host.model import Snapshot
from nsview.host.process_users import ProcessUsers
from nsview.host.task_gauge import Identity, TaskGauge, Used
from nsview.host.threads import read_threads
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.tui.cost import Cost, Meter


class Figures(NamedTuple):
    """By identity, of processes and threads alike."""

    used: Mapping[Identity, Used] = {}
    threads: Mapping[Identity, Task] = {}
    cost: Cost = Cost()

    @property
    def cost_words(self) -> str:
        """``312 threads, read in 8 ms``."""
        count = len(self.threads)
        if not count and self.cost.ended:
            return "no process here has other threads"
        milliseconds = 1000 * self.cost.computed
        return f"{count:,} thread{'' if count == 1 else 's'}, read in {milliseconds:.0f} ms"


class ProcessReading(NamedTuple):
    """What a look found."""

    users: ProcessUsers
    figures: Figures | None = None
    """None: they were not due."""


def read_figures(
    procfs: Procfs, snapshot: Snapshot, pids: Iterable[int], gauge: TaskGauge, *, threads: bool
) -> Figures:
    """What processes use; with `threads` also those, a file or two for each."""
    meter = Meter()
    pids = list(pids)
    found = list(read_threads(procfs, snapshot, pids)) if threads else []
    processes = [snapshot.tasks[pid] for pid in pids if pid in snapshot.tasks]
    used = gauge.read(procfs, processes, found)
    return Figures(used, {one.identity: one for one in found}, meter.cost())
