"""When the host booted: start times of processes count from there."""

from __future__ import annotations

from nsview.kernel.procfs import Procfs


def parse_boot_time(data: bytes) -> float:
    """btime of /proc/stat (proc_stat(5)), in Unix time; 0.0 where it is missing."""
    for line in data.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name == b"btime" and value.isdigit():
            return float(value)
    return 0.0


def read_boot_time(procfs: Procfs) -> float:
    """The host's boot in Unix time, to the second."""
    return parse_boot_time(procfs.read_global("stat"))
