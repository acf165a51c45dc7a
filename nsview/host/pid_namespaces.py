"""The hierarchy of pid namespaces: which is inside which."""

from __future__ import annotations

import itertools
import os

from nsview.kernel.namespaces import KINDS
from nsview.kernel.nsfs import get_parent, open_namespace
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.typed import Iterator, Mapping

_PID = KINDS.index("pid")


class PidNamespaces:
    """Asks the kernel once for each pid namespace.

    An answer is remembered with a process that is in the namespace: no process ever leaves its
    pid namespace, so while that one lives, the inode number has not been given to another.
    """

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._ancestors: dict[tuple[int, tuple[int, int]], tuple[int, ...]] = {}

    def parents(self, tasks: Mapping[int, Task]) -> dict[int, int]:
        """Inode -> inode of the parent, for every namespace below one that we may see."""
        members: dict[int, Task] = {}
        for task in tasks.values():
            members.setdefault(task.namespaces[_PID], task)
        members.pop(0, None)
        known = {}
        for ino, task in members.items():
            key = (ino, task.identity)
            known[key] = self._ancestors.get(key) or self._read(ino, task.pid)
        self._ancestors = known
        parents: dict[int, int] = {}
        for chain in known.values():
            parents.update(itertools.pairwise(chain))
        return parents

    def _read(self, ino: int, pid: int) -> tuple[int, ...]:
        # The namespace and its ancestors; empty ones, which nobody else shows, included.
        try:
            chain = tuple(_inodes_upwards(open_namespace(self._procfs, pid, "pid")))
        except OSError:
            return (ino,)  # gone, or not ours to open
        return chain if chain[0] == ino else (ino,)


def _inodes_upwards(descriptor: int) -> Iterator[int]:
    while True:
        try:
            yield os.fstat(descriptor).st_ino
            parent = get_parent(descriptor)
        except PermissionError:
            return  # ioctl_nsfs(2): EPERM above what our own pid namespace may see
        finally:
            os.close(descriptor)
        descriptor = parent
