"""What is read of each process once and remembered: its command line, its root."""

from __future__ import annotations

import os
import time

from nsview.host.model import Rootfs
from nsview.host.roots import Root, read_root
from nsview.kernel.cmdline import read_command
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.typed import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from nsview.host.boot_clock import BootClock
    from nsview.kernel.procfs import Procfs

_MNT = KINDS.index("mnt")

#: A container's root is set up (pivot_root) within moments of its first process; until then what
#: was read of it is not remembered.
_SETTLED_SECONDS = 5.0
#: Looking for what may be forgotten costs more than keeping so many things.
_SPARE = 1024


class ProcessMemory:
    """By identity, so that a number that is used again is another process."""

    def __init__(self, procfs: Procfs, clock: BootClock) -> None:
        self._procfs = procfs
        self._clock = clock
        self._commands: dict[tuple[int, int, str], tuple[str, ...]] = {}
        self._roots: dict[tuple[int, int, int], Root | None] = {}
        self.settled = True
        """Nothing that was asked for since this was set may be otherwise the next time."""

    def command(self, task: Task) -> tuple[str, ...]:
        """The command line; empty for the kernel's threads, and where it may not be read."""
        # execve may replace the command line, and nearly always the comm with it.
        key = (task.pid, task.start_time, task.comm)
        if key not in self._commands:
            self._commands[key] = () if task.kernel_thread else self._read_command(task.pid)
        return self._commands[key]

    def rootfs(self, task: Task) -> Rootfs | None:
        """What its ``/`` is made of."""
        root = self.root(task)
        return root.rootfs if root else None

    def root(self, task: Task) -> Root | None:
        """Its ``/``; None when it is gone or may not be read."""
        key = (task.pid, task.start_time, task.namespaces[_MNT])
        if key in self._roots:
            return self._roots[key]
        root = read_root(self._procfs, task.pid)
        if time.time() - self._clock.started(task) > _SETTLED_SECONDS:
            self._roots[key] = root
        else:
            self.settled = False
        return root

    def knows_root(self, task: Task) -> bool:
        """What `root` says of it will be the same the next time."""
        return (task.pid, task.start_time, task.namespaces[_MNT]) in self._roots

    def root_of_host(self, tasks: Mapping[int, Task], initial: Mapping[str, int]) -> Root | None:
        """PID 1's, where it may be read; else that of anybody in the host's mount namespace."""
        for task in tasks.values():
            if task.namespaces[_MNT] == initial["mnt"] and not task.kernel_thread:
                root = self.root(task)
                if root is not None:
                    return root
        return read_root(self._procfs, os.getpid())

    def forget(self, tasks: Mapping[int, Task]) -> None:
        """All but these `tasks`, once that is as much as what is remembered of them."""
        if len(self._commands) + len(self._roots) < 2 * len(tasks) + _SPARE:
            return
        identities = {task.identity for task in tasks.values()}
        self._commands = {k: v for k, v in self._commands.items() if k[:2] in identities}
        self._roots = {k: v for k, v in self._roots.items() if k[:2] in identities}

    def _read_command(self, pid: int) -> tuple[str, ...]:
        try:
            return read_command(self._procfs, pid) or ()
        except PermissionError:
            return ()
