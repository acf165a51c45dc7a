"""/proc/PID/fd: what a process has open. proc_pid_fd(5)."""

from __future__ import annotations

import errno
import os

from nsview.kernel.procfs import Procfs


def read_fd_links(procfs: Procfs, pid: int) -> list[tuple[int, str]] | None:
    """Number and link text (``net:[4026531833]``, ``socket:[123]``, a path) of each descriptor.

    None when the process is gone. Raises PermissionError where the kernel's ptrace check forbids
    it. Left out: one that is closed while we read, and a path of more than a page, which the kernel
    does not show (ENAMETOOLONG) and nobody is to hide the others behind.
    """
    directory = procfs.path(pid, "fd")
    readlink = os.readlink
    links = []
    try:
        for name in os.listdir(directory):
            try:
                links.append((int(name), readlink(f"{directory}/{name}")))
            except OSError as error:
                # Closed meanwhile; or a path longer than a page, which is none of nsfs's.
                if error.errno not in (errno.ENOENT, errno.ENAMETOOLONG):
                    raise
    except (FileNotFoundError, ProcessLookupError):
        return None
    return links
