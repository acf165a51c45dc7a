"""How many tasks a machine has, in one small file. proc_loadavg(5)."""

from __future__ import annotations

from nsview.kernel.procfs import Procfs


def parse_tasks(data: bytes) -> int | None:
    """The second number of ``0.20 0.18 0.12 1/80 11206``; None where there is none."""
    words = data.split()
    _, slash, count = words[3].partition(b"/") if len(words) > 3 else (b"", b"", b"")
    return int(count) if slash and count.isdigit() else None


def read_tasks(procfs: Procfs) -> int | None:
    """Processes and their threads, whoever may see them."""
    return parse_tasks(procfs.read_global("loadavg"))
