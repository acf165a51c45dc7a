"""What a single process uses: proc_pid_statm(5), proc_pid_io(5)."""

from __future__ import annotations

from typing import NamedTuple

from nsview.kernel.cgroup_io import IoCounters


class Statm(NamedTuple):
    """Pages."""

    resident: int
    shared: int
    """Of the resident: files and shared memory, which other processes may have, too."""


def parse_statm(data: bytes) -> Statm:
    """The second and third number; raises ValueError when torn."""
    words = data.split()
    if len(words) < 3:
        raise ValueError("too few fields")
    return Statm(int(words[1]), int(words[2]))


def parse_process_io(data: bytes) -> IoCounters:
    """Bytes that it made be read from devices, and that it has dirtied to be written."""
    found = {}
    for line in data.decode("ascii", "replace").splitlines():
        name, _, value = line.partition(": ")
        if value.isascii() and value.isdigit():
            found[name] = int(value)
    return IoCounters(found.get("read_bytes", 0), found.get("write_bytes", 0))
