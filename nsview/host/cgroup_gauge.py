"""The counters of one control group, read again and again, and what bounds it from above."""

from __future__ import annotations

import os
import time

from nsview.host.resources import Cpu, Io, Memory, Pids, Resources, rate, share
from nsview.kernel.block_devices import device_name, devices_below
from nsview.kernel.cgroup_cpu import CpuCounters, read_cpu, read_cpu_limit
from nsview.kernel.cgroup_files import Read, read_file
from nsview.kernel.cgroup_io import IoCounters, blkio_counts, read_io
from nsview.kernel.cgroup_memory import MemoryLimits, read_memory, read_memory_limits
from nsview.kernel.cgroup_pids import read_pids, read_pids_limit
from nsview.kernel.cgroupfs import Cgroupfs, Place
from nsview.kernel.pressure import Pressure, parse_pressure
from nsview.kernel.task import CgroupPath
from nsview.named_tuple import NamedTuple
from nsview.typed import Callable, Iterable, Iterator, Mapping, Sequence, TypeVar

_NANO = 1e9
_PERCENT = 100.0
#: Memory and tasks of a group that rests are read again after so many readings.
_LOOKED_AT_ANYWAY = 8
_PRESSURES = ("cpu", "memory", "io")

_L = TypeVar("_L")
_N = TypeVar("_N", int, float)


class Limits(NamedTuple):
    """The strictest of a group's own and of all above it that can be seen; None is unlimited."""

    cpus: float | None
    memory: MemoryLimits
    pids: int | None


class _Before(NamedTuple):
    moment: float
    cpu: CpuCounters | None
    io: IoCounters | None
    memory: Memory | None
    pids: Pids | None


class CgroupGauge:
    """One container's control groups. `read` remembers its counters for the rates of the next."""

    def __init__(self, cgroupfs: Cgroupfs, cgroups: Sequence[CgroupPath]) -> None:
        self._cpu = cgroupfs.place(cgroups, "cpu")
        self._accounting = cgroupfs.place(cgroups, "cpuacct") or self._cpu
        self._memory = cgroupfs.place(cgroups, "memory")
        # v1 calls the controller of block devices blkio.
        blkio = any("blkio" in line.controllers.split(",") for line in cgroups)
        self._io = cgroupfs.place(cgroups, "blkio" if blkio else "io")
        self._pids = cgroupfs.place(cgroups, "pids")
        unified = cgroupfs.unified_directory(cgroups)
        self._pressures = [(name, f"{unified}/{name}.pressure") for name in _PRESSURES if unified]
        self._before: _Before | None = None
        self._rested = 0

    def read(self, read: Read, limits: Limits, io_of_processes: Io | None = None) -> Resources:
        """Its figures now; nothing of what is gone. `io_of_processes`: where no group counts it."""
        moment = time.monotonic()
        cpu = read_cpu(read, self._cpu, self._accounting)
        io = read_io(read, self._io) if self._io else None
        before = self._before
        if before is not None and self._rests(cpu, before):
            memory, pids = before.memory, before.pids
        else:
            memory = self._read_memory(read, limits.memory)
            pids = self._read_pids(read, limits.pids)
        total = None if io is None else sum_of(io)
        self._before = _Before(moment, cpu, total, memory, pids)
        seconds = moment - before.moment if before else 0.0
        return Resources(
            cpu=_cpu(cpu, before.cpu if before else None, seconds, limits.cpus),
            memory=memory,
            io=(
                io_of_processes if io is None else io_of(io, before.io if before else None, seconds)
            ),
            pids=pids,
            pressure=self._read_pressure(read),
        )

    # Who has not been on a processor for a nanosecond has neither allocated nor forked: only others
    # can take something from it, and that is seen a little later.
    def _rests(self, cpu: CpuCounters | None, before: _Before) -> bool:
        self._rested = self._rested + 1 if cpu is not None and cpu == before.cpu else 0
        return self._rested % _LOOKED_AT_ANYWAY != 0

    def _read_memory(self, read: Read, limits: MemoryLimits) -> Memory | None:
        now = read_memory(read, self._memory) if self._memory else None
        if now is None:
            return None
        return Memory(
            used=now.used,
            working_set=now.working_set,
            anon=now.stat.anon,
            cache=now.stat.cache,
            kernel=now.stat.kernel,
            swap=now.stat.swap,
            limit=limits.max,
            high=limits.high,
            swap_limit=limits.swap,
            events=now.events,
        )

    def _read_pids(self, read: Read, limit: int | None) -> Pids | None:
        current = read_pids(read, self._pids) if self._pids else None
        return None if current is None else Pids(current=current, limit=limit)

    def _read_pressure(self, read: Read) -> Mapping[str, Pressure]:
        found = {}
        for name, path in self._pressures:
            data = read(path)
            pressure = parse_pressure(data) if data else None
            if pressure is not None:
                found[name] = pressure
        return found

    def counts(self) -> bool:
        """Whether there is somebody who counts its processor time and its memory."""
        if self._accounting is None or self._memory is None:
            return False
        return read_file(f"{self._memory.directory}/memory.stat") is not None

    def counts_io(self) -> bool:
        """False where its v1 controller is there and does nothing: then it is not read."""
        if self._io is None or self._io.version == 2 or blkio_counts(read_file, self._io):
            return True
        self._io = None
        return False

    def read_limits(self, remembered: LimitsOfGroups) -> Limits:
        """What bounds it now; groups above are looked at once for all that are below them."""
        return Limits(
            cpus=least(remembered.up(self._cpu, read_cpu_limit)),
            memory=_strictest(list(remembered.up(self._memory, read_memory_limits))),
            pids=least(remembered.up(self._pids, read_pids_limit)),
        )


class LimitsOfGroups:
    """What single groups set, each read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, object], object] = {}

    def up(self, place: Place | None, read: Callable[[Read, Place], _L]) -> Iterator[_L]:
        """The limits of a group and of each above it, its own first."""
        while place is not None:
            key = (place.directory, read)
            if key not in self._known:
                self._known[key] = read(read_file, place)
            yield self._known[key]  # type: ignore[misc]  # what `read` gave under this key
            above = os.path.dirname(place.directory)
            inside = len(above) >= len(place.top) and above != place.directory
            place = place._replace(directory=above) if inside else None


def least(values: Iterable[_N | None]) -> _N | None:
    """The smallest; None where nothing limits."""
    return min((value for value in values if value is not None), default=None)


def _strictest(limits: Sequence[MemoryLimits]) -> MemoryLimits:
    return MemoryLimits(*(least(column) for column in zip(*limits, strict=True)))


def _cpu(
    now: CpuCounters | None, before: CpuCounters | None, seconds: float, cpus: float | None
) -> Cpu | None:
    if now is None:
        return None
    grown = rate(now.usage / _NANO, before.usage / _NANO if before else None, seconds)
    return Cpu(
        usage=now.usage / _NANO,
        percent=None if grown is None else grown * _PERCENT,
        limit=None if cpus is None else cpus * _PERCENT,
        periods=now.periods,
        throttled_periods=now.throttled_periods,
        throttled_seconds=now.throttled / _NANO,
        throttled=_throttled(now, before) if before else None,
    )


def _throttled(now: CpuCounters, before: CpuCounters) -> float | None:
    return share(now.throttled_periods, before.throttled_periods, now.periods, before.periods)


def sum_of(devices: Mapping[str, IoCounters]) -> IoCounters:
    """What all devices have done; what one of them has passed on to another is counted once."""
    counted = [
        counters
        for device, counters in devices.items()
        if not any(below in devices for below in devices_below(device))
    ]
    return IoCounters(sum(one.read for one in counted), sum(one.written for one in counted))


def io_of(devices: Mapping[str, IoCounters], before: IoCounters | None, seconds: float) -> Io:
    """The figures of these devices; `before` is their sum so many seconds ago."""
    total = sum_of(devices)
    return Io(
        read_bytes=total.read,
        written_bytes=total.written,
        read=rate(total.read, before.read if before else None, seconds),
        write=rate(total.written, before.written if before else None, seconds),
        devices={device_name(name): (one.read, one.written) for name, one in devices.items()},
    )
