"""The first process of a container, for engines whose client does not tell it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from support.processes import descendants


def first_inside(monitor: int) -> int | None:
    """The process below `monitor` that is number 1 inside, once the container's command runs."""
    first = None
    for pid in descendants(monitor):
        with contextlib.suppress(OSError):
            if first is None and numbers(pid)[1:] == ["1"]:
                first = pid
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "busybox":
                return first
    return None


def numbers(pid: int) -> list[str]:
    """What a process is called at every level of pid namespaces, ours first."""
    status = Path(f"/proc/{pid}/status").read_text()
    return status.split("NSpid:")[1].splitlines()[0].split()
