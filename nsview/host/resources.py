"""What a container uses of the machine, and what it may use: one immutable reading.

Rates are of the time since the reading before; they are None in the first one, and when a counter
has begun anew. None is always "not known": a controller that is not mounted, pressure that this
kernel does not measure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nsview.kernel.cgroup_memory import MemoryEvents
from nsview.kernel.pressure import Pressure
from nsview.typed import Literal, Mapping

Counted = Literal["cgroup", "processes", "machine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """Processor time. Per cent are of one processor: two that are busy make 200."""

    usage: float
    """Seconds since its control group was made."""
    percent: float | None = None
    limit: float | None = None
    """Per cent that the strictest quota above it leaves; None is unlimited."""
    periods: int = 0
    throttled_periods: int = 0
    throttled_seconds: float = 0.0
    throttled: float | None = None
    """Per cent of the periods since the reading before in which its quota was used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes."""

    used: int
    """All that is charged to it, cache included: what the limit is compared with."""
    working_set: int
    """`used` without the files that are given back first: what it needs. (``docker stats`` and
    the kubelet show this.)"""
    anon: int
    cache: int | None = None
    kernel: int | None = None
    swap: int | None = None
    limit: int | None = None
    """The strictest above it; None is unlimited."""
    high: int | None = None
    """Above this it is slowed down (v2)."""
    swap_limit: int | None = None
    events: MemoryEvents = field(default_factory=MemoryEvents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Io:
    """Block devices: bytes since its control group was made, and bytes a second."""

    read_bytes: int
    written_bytes: int
    read: float | None = None
    write: float | None = None
    counted: Counted = "cgroup"
    """processes: this kernel's blkio controller counts nothing, see `nsview.host.process_io`."""
    devices: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """``vda`` -> bytes read and written. A stacked device (LVM, dm-crypt) is here beside those
    below it, and is not counted twice above."""

    @property
    def both(self) -> float | None:
        """Bytes a second, read and written."""
        return None if self.read is None or self.write is None else self.read + self.write


@dataclass(frozen=True, slots=True, kw_only=True)
class Pids:
    """Tasks: processes and their threads."""

    current: int
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Everything at one moment."""

    counted: Counted = "cgroup"
    """cgroup: by the kernel, in a control group of its own. processes: it has none, these are sums
    over its processes that run now. machine: all of the host."""
    cpu: Cpu | None = None
    memory: Memory | None = None
    io: Io | None = None
    pids: Pids | None = None
    pressure: Mapping[str, Pressure] = field(default_factory=dict)
    """``cpu``, ``memory``, ``io``, as far as the kernel measures."""


def rate(now: float, before: float | None, seconds: float) -> float | None:
    """What a counter grew by, a second; None where it began anew, or nothing came before."""
    if before is None or seconds <= 0 or now < before:
        return None
    return (now - before) / seconds


def share(now: int, before: int, whole_now: int, whole_before: int) -> float | None:
    """Per cent of a counter's growth that another one grew by; None where neither tells."""
    whole = whole_now - whole_before
    part = now - before
    return min(100.0, 100.0 * part / whole) if whole > 0 and 0 <= part <= whole else None
