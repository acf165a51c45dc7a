"""/proc/PID/attr/current: the label that AppArmor, SELinux or Smack put on a process."""

from __future__ import annotations

import os

from nsview.kernel.procfs import Procfs


def parse_label(data: bytes) -> str | None:
    """The label as text; None when there is none."""
    return os.fsdecode(data.rstrip(b"\0\n")) or None


def read_label(procfs: Procfs, pid: int) -> str | None:
    """The label of a process; None without a security module (the kernel answers EINVAL)."""
    try:
        data = procfs.read(pid, "attr/current")
    except OSError:
        return None
    return None if data is None else parse_label(data)
