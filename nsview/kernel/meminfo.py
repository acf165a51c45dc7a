"""/proc/meminfo: the memory of the whole machine. proc_meminfo(5)."""

from __future__ import annotations

from nsview.kernel.procfs import Procfs
from nsview.named_tuple import NamedTuple

_KIB = 1024


class MemoryOfMachine(NamedTuple):
    """Bytes."""

    total: int
    available: int
    """What could be given to programs without swapping, as the kernel estimates."""
    swap_total: int
    swap_free: int


def parse_meminfo(data: bytes) -> MemoryOfMachine | None:
    """Lines of ``Name:   123 kB``; None without MemTotal or MemAvailable (Linux 3.14)."""
    found = {}
    for line in data.decode("ascii", "replace").splitlines():
        name, _, rest = line.partition(":")
        word = rest.split(maxsplit=1)[:1]
        if word and word[0].isascii() and word[0].isdigit():
            found[name] = int(word[0]) * _KIB
    if "MemTotal" not in found or "MemAvailable" not in found:
        return None
    return MemoryOfMachine(
        total=found["MemTotal"],
        available=found["MemAvailable"],
        swap_total=found.get("SwapTotal", 0),
        swap_free=found.get("SwapFree", 0),
    )


def read_meminfo(procfs: Procfs) -> MemoryOfMachine | None:
    """Read it."""
    return parse_meminfo(procfs.read_global("meminfo"))
