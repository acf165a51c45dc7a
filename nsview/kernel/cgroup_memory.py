"""Memory that is charged to a control group, and what bounds it. cgroup-v2.rst,
cgroup-v1/memory.rst."""

from __future__ import annotations

from nsview.kernel.cgroup_files import Read
from nsview.kernel.cgroup_format import TEXTS_REMEMBERED, parse_flat, parse_value
from nsview.kernel.cgroupfs import Place
from nsview.light import lru_cache
from nsview.named_tuple import NamedTuple

#: What ``kernel`` is the sum of; that line itself came with Linux 5.18.
_KERNEL = ("kernel_stack", "pagetables", "percpu", "sock", "vmalloc", "slab")


class MemoryStat(NamedTuple):
    """Bytes, those of the groups below included."""

    anon: int
    """What programs have allocated: only swap could free it."""
    cache: int
    """Files, read or written through its processes, tmpfs included."""
    inactive_file: int
    """The part of the cache that goes first when memory is wanted."""
    kernel: int | None
    """Page tables, stacks, slabs. v1 has it in a file of its own."""
    swap: int | None


class MemoryEvents(NamedTuple):
    """How often, since the group was made."""

    high: int = 0
    """It went over memory.high, and was slowed down."""
    max: int = 0
    """It ran into its limit, and had to give something back first. (v1 of Linux 6.18 says 0.)"""
    oom: int = 0
    """Nothing could be given back."""
    oom_kill: int = 0
    """Processes of it that the kernel has killed for want of memory."""


class MemoryCounters(NamedTuple):
    """What is charged now."""

    used: int
    """All of it, the cache too: this is what the limit is compared with. Bytes."""
    stat: MemoryStat
    events: MemoryEvents

    @property
    def working_set(self) -> int:
        """Bytes that are not simply given back when memory is wanted, as docker and the kubelet
        count."""
        return max(0, self.used - self.stat.inactive_file)


class MemoryLimits(NamedTuple):
    """Of one group alone, bytes; None is unlimited."""

    max: int | None = None
    high: int | None = None
    swap: int | None = None
    """v2: of swap alone. v1 has one of memory and swap together, which is not this."""


@lru_cache(maxsize=TEXTS_REMEMBERED)
def parse_memory_stat(data: bytes) -> MemoryStat:
    """memory.stat of v2, or of v1 (the ``total_`` lines count the groups below, too)."""
    stat = parse_flat(data)
    if "total_rss" in stat:
        return MemoryStat(
            anon=stat["total_rss"],
            cache=stat.get("total_cache", 0),
            inactive_file=stat.get("total_inactive_file", 0),
            kernel=None,
            swap=stat.get("total_swap"),
        )
    return MemoryStat(
        anon=stat.get("anon", 0),
        cache=stat.get("file", 0),
        inactive_file=stat.get("inactive_file", 0),
        kernel=stat.get("kernel", sum(stat.get(name, 0) for name in _KERNEL)),
        swap=None,
    )


@lru_cache(maxsize=TEXTS_REMEMBERED)
def parse_memory_events(data: bytes) -> MemoryEvents:
    """memory.events of v2; v1's memory.oom_control has the line oom_kill."""
    events = parse_flat(data)
    return MemoryEvents(*(events.get(name, 0) for name in MemoryEvents._fields))


def read_memory(read: Read, place: Place) -> MemoryCounters | None:
    """None where the controller is not there, or the group is gone."""
    data = read(f"{place.directory}/memory.stat")
    if not data:
        return None
    stat = parse_memory_stat(data)
    return _read_v2(read, place, stat) if place.version == 2 else _read_v1(read, place, stat)


def _read_v2(read: Read, place: Place, stat: MemoryStat) -> MemoryCounters:
    # The root group has neither memory.current nor events: nothing is charged to it.
    used = read(f"{place.directory}/memory.current")
    swap = read(f"{place.directory}/memory.swap.current")
    events = read(f"{place.directory}/memory.events")
    return MemoryCounters(
        used=int(used) if used else stat.anon + stat.cache + (stat.kernel or 0),
        stat=stat._replace(swap=int(swap) if swap else None),
        events=parse_memory_events(events or b""),
    )


def _read_v1(read: Read, place: Place, stat: MemoryStat) -> MemoryCounters:
    used = read(f"{place.directory}/memory.usage_in_bytes")
    kernel = read(f"{place.directory}/memory.kmem.usage_in_bytes")
    # Where swap is limited, too, it is the limit of both together that is hit.
    failures = [read(f"{place.directory}/memory.{name}failcnt") for name in ("", "memsw.")]
    events = parse_memory_events(read(f"{place.directory}/memory.oom_control") or b"")
    return MemoryCounters(
        used=int(used) if used else stat.anon + stat.cache,
        stat=stat._replace(kernel=int(kernel) if kernel else None),
        events=events._replace(max=sum(int(count) for count in failures if count)),
    )


def read_memory_limits(read: Read, place: Place) -> MemoryLimits:
    """The limits that this one group sets."""

    def value(name: str) -> int | None:
        data = read(f"{place.directory}/{name}")
        return parse_value(data) if data else None

    if place.version == 1:
        return MemoryLimits(max=value("memory.limit_in_bytes"))
    return MemoryLimits(
        max=value("memory.max"), high=value("memory.high"), swap=value("memory.swap.max")
    )
