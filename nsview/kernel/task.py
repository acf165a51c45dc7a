"""A row of the census: what is known of one process, from whichever source read it."""

from __future__ import annotations

from nsview.named_tuple import NamedTuple


class CgroupPath(NamedTuple):
    """One line of /proc/PID/cgroup: ``hierarchy:controllers:path`` (cgroups(7))."""

    hierarchy: int
    """0 is the unified hierarchy, cgroup v2."""
    controllers: str
    """Comma separated; ``name=systemd`` for a named v1 hierarchy; empty for v2."""
    path: str


class Task(NamedTuple):
    """One process (thread group leader) or thread. (pid, start_time) is its identity.

    A NamedTuple, because a census makes ten thousand of them.
    """

    pid: int
    """In the pid namespace of the reader's /proc."""
    start_time: int
    """Clock ticks since boot, field 22 of /proc/PID/stat."""
    ppid: int
    """0 when the parent is outside the reader's pid namespace, and for PID 1."""
    pids: tuple[int, ...]
    """NSpid: its number at every level of pid namespace, the reader's first."""
    namespaces: tuple[int, ...]
    """Inode numbers in the order of `nsview.kernel.namespaces.KINDS`; 0 where unreadable."""
    pid_for_children: int
    """Inode of the pid namespace that its next child will be in; 0 where unreadable."""
    time_for_children: int
    uid: int
    """Effective uid, as the reader's user namespace sees it."""
    cgroups: tuple[CgroupPath, ...]
    comm: str
    """os.fsdecode'd: pass it through `nsview.display.display` before anybody sees it."""
    state: str
    """R S D Z T t X I, field 3 of /proc/PID/stat."""
    threads: int
    kernel_thread: bool
    """PF_KTHREAD is set: no memory of its own, no command line."""

    @property
    def identity(self) -> tuple[int, int]:
        """(pid, start time): never reused, unlike the pid alone."""
        return self.pid, self.start_time
