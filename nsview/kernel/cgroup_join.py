"""Come into control groups without the wait that being moved takes.

Who writes to ``cgroup.procs`` keeps every fork and exit on the host waiting meanwhile, and waits
itself until all processors have noticed: 10 ms and more. Two ways have no need of that: a thread
may move itself by ``tasks`` of v1, and a child may be born in a group of v2 (clone3(2), Linux 5.7).
"""

from __future__ import annotations

import os

from nsview.kernel import libc

V2 = 2


def fork_into(groups: list[tuple[str, int, int]]) -> tuple[int, bool]:
    """fork(2), with the child in the v2 group among those in words, version and directory.

    Says also whether it is. This process may have no other thread.
    """
    for _, version, directory in groups:
        if version == V2:
            try:
                return libc.clone_into(directory), True
            except OSError:  # among them EAGAIN: it is full, which keeps nobody from moving there
                break
    return os.fork(), False


def join(version: int, directory: int) -> None:
    """Move this process, which has one thread, into a control group."""
    name = "cgroup.procs" if version == V2 else "tasks"
    fd = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(fd, b"0")  # 0: whoever writes
    finally:
        os.close(fd)
