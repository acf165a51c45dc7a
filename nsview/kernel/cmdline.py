"""/proc/PID/cmdline: the arguments, as the process lets us see them. proc_pid_cmdline(5)."""

from __future__ import annotations

import os

from nsview.kernel.procfs import Procfs

#: A process may have megabytes of arguments; nobody reads on so far.
_LONGEST = 64 * 1024


def parse_command(data: bytes) -> tuple[str, ...]:
    """Arguments, separated by NULs; a process that overwrote them (setproctitle) has only one.

    Empty for kernel threads and zombies. What is longer than 64 KiB ends in an ellipsis.
    """
    cut = data[:_LONGEST].rstrip(b"\0")
    if not cut:
        return ()
    arguments = tuple(os.fsdecode(argument) for argument in cut.split(b"\0"))
    return (*arguments, "…") if len(data) > _LONGEST else arguments


def read_command(procfs: Procfs, pid: int) -> tuple[str, ...] | None:
    """The command line; None when the process is gone."""
    data = procfs.read(pid, "cmdline", limit=_LONGEST + 1)
    return None if data is None else parse_command(data)
