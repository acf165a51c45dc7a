"""What the whole machine uses: the root control group's counters beside what /proc knows of it."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from nsview.host.cgroup_gauge import io_of, sum_of
from nsview.host.resources import Io, Memory, Pids, Resources
from nsview.kernel.block_devices import is_partition
from nsview.kernel.cgroup_files import read_file
from nsview.kernel.cgroup_format import parse_flat
from nsview.kernel.cgroup_io import IoCounters
from nsview.kernel.cgroup_memory import MemoryEvents
from nsview.kernel.diskstats import parse_diskstats
from nsview.kernel.loadavg import read_tasks
from nsview.kernel.meminfo import read_meminfo
from nsview.kernel.pressure import Pressure, parse_pressure
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.typed import Mapping

_PERCENT = 100.0
_MOST_TASKS = ("pid_max", "threads-max")


class MachineGauge:
    """`complete` remembers the disks' counters for the rates of the next."""

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._io: tuple[float, IoCounters] | None = None

    def complete(self, root: Resources, tasks: Mapping[int, Task]) -> Resources:
        """The machine's figures, from those of the root group, which knows no bounds."""
        cpu = root.cpu
        if cpu is not None:
            cpu = replace(cpu, limit=_PERCENT * (os.cpu_count() or 1))
        return Resources(
            counted="machine",
            cpu=cpu,
            memory=self._memory(root.memory),
            io=self._disks(),
            pids=Pids(current=self._count(tasks), limit=self._most_tasks()),
            pressure=self._pressure(),
        )

    def _count(self, tasks: Mapping[int, Task]) -> int:
        count = read_tasks(self._procfs)
        return sum(task.threads for task in tasks.values()) if count is None else count

    def _memory(self, root: Memory | None) -> Memory | None:
        whole = read_meminfo(self._procfs)
        if whole is None:
            return root
        used = whole.total - whole.available
        kills = parse_flat(self._procfs.read_global("vmstat")).get("oom_kill", 0)
        return Memory(
            used=used,
            working_set=used,
            anon=root.anon if root else used,
            cache=root.cache if root else None,
            kernel=root.kernel if root else None,
            swap=whole.swap_total - whole.swap_free,
            limit=whole.total,
            swap_limit=whole.swap_total,
            events=MemoryEvents(oom_kill=kills),
        )

    def _disks(self) -> Io | None:
        moment = time.monotonic()
        found = parse_diskstats(self._procfs.read_global("diskstats"))
        disks = {device: one for device, one in found.items() if not is_partition(device)}
        if not disks:
            return None
        before, self._io = self._io, (moment, sum_of(disks))
        seconds = moment - before[0] if before else 0.0
        return replace(io_of(disks, before[1] if before else None, seconds), counted="machine")

    def _most_tasks(self) -> int | None:
        words = (self._procfs.read_global(f"sys/kernel/{name}") for name in _MOST_TASKS)
        return min((int(word) for word in words if word.strip().isdigit()), default=None)

    def _pressure(self) -> Mapping[str, Pressure]:
        found = {}
        for name in ("cpu", "memory", "io"):
            data = read_file(f"{self._procfs.root}/pressure/{name}")
            if data is not None and (pressure := parse_pressure(data)) is not None:
                found[name] = pressure
        return found
