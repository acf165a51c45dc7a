"""What a single process uses: proc_pid_statm(5), proc_pid_io(5)."""

from __future__ import annotations

from nsview.kernel.cgroup_format import TEXTS_REMEMBERED, parse_flat
from nsview.kernel.cgroup_io import IoCounters
from nsview.light import lru_cache
from nsview.named_tuple import NamedTuple


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


@lru_cache(maxsize=TEXTS_REMEMBERED)
def parse_process_io(data: bytes) -> IoCounters:
    """Bytes that it made be read from devices, and that it has dirtied to be written."""
    found = parse_flat(data)
    return IoCounters(found.get("read_bytes:", 0), found.get("write_bytes:", 0))
