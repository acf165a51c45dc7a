"""Which namespaces are the host's: what every other one is compared with."""

from __future__ import annotations

import os

from nsview.kernel.namespaces import INITIAL_INODES, KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.typed import Mapping

_INIT = 1


def find_initial(procfs: Procfs, tasks: Mapping[int, Task]) -> dict[str, int]:
    """kind -> inode of the host's namespace; 0 where it cannot be told.

    PID 1 knows, where its links may be read. Otherwise the kernel's fixed numbers do, if somebody
    is seen in that namespace (net and mnt have fixed numbers only since Linux 6.18); otherwise
    the namespace that most kernel threads are in, which cannot leave theirs; at last our own.
    """
    init = tasks.get(_INIT)
    own = read_namespaces(procfs, os.getpid()) or (0,) * len(KINDS)
    return {kind: _initial(index, kind, init, own, tasks) for index, kind in enumerate(KINDS)}


def _initial(
    index: int, kind: str, init: Task | None, own: tuple[int, ...], tasks: Mapping[int, Task]
) -> int:
    if init is not None and init.namespaces[index]:
        return init.namespaces[index]
    fixed = INITIAL_INODES[kind]
    if own[index] == fixed or any(task.namespaces[index] == fixed for task in tasks.values()):
        return fixed
    of_kernel = [
        task.namespaces[index]
        for task in tasks.values()
        if task.kernel_thread and task.namespaces[index]
    ]
    return max(dict.fromkeys(of_kernel), key=of_kernel.count, default=own[index])
