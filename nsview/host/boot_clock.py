"""Clock ticks since boot, as start times are counted, in Unix time."""

from __future__ import annotations

import os

from nsview.kernel.task import Task
from nsview.kernel.uptime import read_boot_time
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs


class BootClock:
    """Read once: the boot does not move while we run."""

    def __init__(self, procfs: Procfs) -> None:
        self.boot_time = read_boot_time(procfs)
        self.ticks = os.sysconf("SC_CLK_TCK")

    def started(self, task: Task) -> float:
        """When a process started."""
        return self.boot_time + task.start_time / self.ticks
