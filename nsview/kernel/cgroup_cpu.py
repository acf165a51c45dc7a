"""Processor time of a control group, and what bounds it. cgroup-v2.rst, cgroup-v1/cpuacct.rst,
scheduler/sched-bwc.rst."""

from __future__ import annotations

from nsview.kernel.cgroup_files import Read
from nsview.kernel.cgroup_format import TEXTS_REMEMBERED, parse_flat, parse_value
from nsview.kernel.cgroupfs import Place
from nsview.light import lru_cache
from nsview.named_tuple import NamedTuple

_MICROSECOND = 1000


class CpuCounters(NamedTuple):
    """Counters since the group was made, those of the groups below it included."""

    usage: int
    """Nanoseconds on a processor."""
    periods: int = 0
    """How many periods of its quota there were in which it wanted to run."""
    throttled_periods: int = 0
    """In how many of those the quota was used up, and it was stopped until the next."""
    throttled: int = 0
    """Nanoseconds that it was stopped, summed over processors."""


@lru_cache(maxsize=TEXTS_REMEMBERED)
def parse_cpu_stat(data: bytes) -> CpuCounters:
    """cpu.stat of v2 (microseconds), or of v1 (nanoseconds, and no usage)."""
    stat = parse_flat(data)
    return CpuCounters(
        usage=stat.get("usage_usec", 0) * _MICROSECOND,
        periods=stat.get("nr_periods", 0),
        throttled_periods=stat.get("nr_throttled", 0),
        throttled=stat.get("throttled_time", stat.get("throttled_usec", 0) * _MICROSECOND),
    )


def parse_cpu_max(data: bytes) -> float | None:
    """v2's ``quota period``, in processors; None is unlimited. Raises ValueError when torn."""
    quota, _, period = data.strip().partition(b" ")
    return in_processors(parse_value(quota), int(period))


def in_processors(quota: int | None, period: int) -> float | None:
    """A quota as how many processors may be used up all the time."""
    return None if quota is None or period <= 0 else quota / period


def read_cpu(read: Read, cpu: Place | None, accounting: Place | None) -> CpuCounters | None:
    """`cpu`: of the controller that limits. `accounting`: of v1's cpuacct; the same in v2."""
    stat = cpu and read(f"{cpu.directory}/cpu.stat")
    counters = parse_cpu_stat(stat) if stat else None
    if accounting is None or accounting.version != 1:
        return counters
    usage = read(f"{accounting.directory}/cpuacct.usage")
    if not usage:
        return None
    return (counters or CpuCounters(0))._replace(usage=int(usage))


def read_cpu_limit(read: Read, place: Place) -> float | None:
    """The quota of this one group in processors; None is unlimited, or not told."""
    if place.version == 2:
        data = read(f"{place.directory}/cpu.max")
        return parse_cpu_max(data) if data else None
    quota = read(f"{place.directory}/cpu.cfs_quota_us")
    period = read(f"{place.directory}/cpu.cfs_period_us")
    return in_processors(parse_value(quota), int(period)) if quota and period else None
