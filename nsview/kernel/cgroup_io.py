"""Bytes that a control group reads from and writes to block devices. cgroup-v2.rst,
cgroup-v1/blkio-controller.rst."""

from __future__ import annotations

from nsview.kernel.cgroup_files import Read
from nsview.kernel.cgroup_format import TEXTS_REMEMBERED, parse_nested
from nsview.kernel.cgroupfs import Place
from nsview.light import lru_cache
from nsview.named_tuple import NamedTuple
from nsview.typed import Mapping


class IoCounters(NamedTuple):
    """Of one device, since the group was made."""

    read: int = 0
    """Bytes. What came out of the page cache was read by nobody."""
    written: int = 0
    """Bytes that have reached the device: the kernel writes files back when it likes."""


@lru_cache(maxsize=TEXTS_REMEMBERED)
def parse_io_stat(data: bytes) -> dict[str, IoCounters]:
    """v2's io.stat: ``8:0 rbytes=90112 wbytes=0 rios=..``, by device ``major:minor``."""
    return {
        device: IoCounters(_number(pairs.get("rbytes")), _number(pairs.get("wbytes")))
        for device, pairs in parse_nested(data).items()
    }


def parse_blkio(data: bytes) -> dict[str, IoCounters]:
    """v1's blkio.*.io_service_bytes: ``8:0 Read 90112``, and a Total without a device."""
    found: dict[str, IoCounters] = {}
    for line in data.decode("ascii", "replace").splitlines():
        words = line.split()
        if len(words) != 3 or words[1] not in ("Read", "Write"):
            continue
        before = found.get(words[0], IoCounters())
        if words[1] == "Read":
            found[words[0]] = before._replace(read=_number(words[2]))
        else:
            found[words[0]] = before._replace(written=_number(words[2]))
    return found


def _number(word: str | None) -> int:
    return int(word) if word and word.isascii() and word.isdigit() else 0


def blkio_counts(read: Read, place: Place) -> bool:
    """Whether v1's controller counts at all: from Linux 6.10 on only once somebody has set a limit
    of it. Then no device stands even in the root's file."""
    data = read(f"{place.top}/blkio.throttle.io_service_bytes_recursive")
    return data is None or bool(parse_blkio(data))


def read_io(read: Read, place: Place) -> Mapping[str, IoCounters] | None:
    """By device; None where the controller is not there, or the group is gone."""
    if place.version == 2:
        data = read(f"{place.directory}/io.stat")
        return None if data is None else parse_io_stat(data)
    # Counts whatever is the I/O scheduler, and the groups below.
    data = read(f"{place.directory}/blkio.throttle.io_service_bytes_recursive")
    return None if data is None else parse_blkio(data)
