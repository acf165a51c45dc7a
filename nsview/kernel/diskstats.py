"""/proc/diskstats: what the machine's block devices have read and written.
admin-guide/iostats.rst."""

from __future__ import annotations

from nsview.kernel.cgroup_io import IoCounters

#: Whatever the device's own sectors are.
_SECTOR = 512
_READ, _WRITTEN = 5, 9
#: RAM disks and loop devices (devices.txt): what they do is memory, or a file's device does it.
_NO_DISKS = (1, 7)


def parse_diskstats(data: bytes) -> dict[str, IoCounters]:
    """By ``major:minor``; disks, and the partitions of each as devices of their own."""
    found = {}
    for line in data.decode("ascii", "replace").splitlines():
        words = line.split()
        if len(words) <= _WRITTEN or not all(word.isdigit() for word in words[:2]):
            continue
        if int(words[0]) not in _NO_DISKS:
            counters = (int(words[at]) * _SECTOR for at in (_READ, _WRITTEN))
            found[f"{words[0]}:{words[1]}"] = IoCounters(*counters)
    return found
