"""/proc/PID/timens_offsets: how far the clocks of a time namespace are moved. time_namespaces(7).

The offsets are those of the namespace that the process's *children* will be in.
"""

from __future__ import annotations

from nsview.named_tuple import NamedTuple

_NANO = 1_000_000_000
_MONOTONIC = (b"monotonic", b"1")  # a number before Linux 5.6-rc6 named them
_BOOTTIME = (b"boottime", b"7")


class TimeOffsets(NamedTuple):
    """Nanoseconds that are added to each clock inside."""

    monotonic: int = 0
    boottime: int = 0


def parse_timens_offsets(data: bytes) -> TimeOffsets:
    """Parse lines of ``clock seconds nanoseconds``; raises ValueError when torn."""
    monotonic = boottime = 0
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        clock, seconds, nanoseconds = line.split()
        offset = int(seconds) * _NANO + int(nanoseconds)
        if clock in _MONOTONIC:
            monotonic = offset
        elif clock in _BOOTTIME:
            boottime = offset
    return TimeOffsets(monotonic, boottime)
