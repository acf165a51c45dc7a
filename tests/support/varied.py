"""A host with thirty varied sandboxes, and with namespaces that nobody is in."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

from support import processes
from support.processes import Held

#: unshare(1)'s options of the plain ones: every kind alone, many subsets, owned by users and not.
FLAGS: tuple[tuple[str, ...], ...] = (
    ("--mount",),
    ("--net",),
    ("--uts",),
    ("--ipc",),
    ("--cgroup",),
    ("--user",),
    ("--pid",),
    ("--time",),
    ("--pid", "--mount-proc"),
    ("--mount", "--uts", "--ipc"),
    ("--net", "--uts"),
    ("--pid", "--net", "--ipc"),
    ("--user", "--map-root-user", "--net"),
    ("--user", "--map-root-user", "--mount", "--pid"),
    ("--user", "--map-current-user", "--uts", "--ipc", "--cgroup"),
    ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup"),
    ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--time"),
    ("--user", "--map-root-user", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup"),
)


@dataclass
class Varied:
    """What was started."""

    pids: list[int] = field(default_factory=list)
    """A process of each sandbox that has one."""
    held_by_threads: list[Held] = field(default_factory=list)
    held_by_fds: list[Held] = field(default_factory=list)
    held_by_mounts: list[Held] = field(default_factory=list)
    """Bind mounted in a mount namespace that is not ours."""
    held_by_sockets: list[Held] = field(default_factory=list)


@contextlib.contextmanager
def varied_sandboxes() -> Iterator[Varied]:
    """Thirty sandboxes, more than forty processes; takes about half a second."""
    made = Varied()
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        for flags in FLAGS:
            made.pids.append(start(processes.sandbox(*flags)))
        made.pids += start(processes.nested_pid_namespaces(3))
        made.pids.append(start(processes.joined_by_setns(made.pids[-2])))
        user = ("unshare", "--user", "--map-root-user", "--")
        # The outer of these two user namespaces has nobody in it: only the inner one's parent.
        hidden = processes.sandbox("--user", "--map-root-user", command=(*user, *processes.SLEEP))
        made.pids.append(start(hidden))
        made.pids.append(start(processes.uid_mapped("--mount", "--net")))
        made.pids.append(start(processes.shifted_time()))
        if shutil.which("bwrap"):
            made.pids.append(start(processes.bwrap()))
        for kind in ("net", "uts", "mnt"):
            made.held_by_threads.append(start(processes.thread_in_new_namespace(kind)))
        for kind in ("net", "user"):
            made.held_by_fds.append(start(processes.held_by_fd(kind)))
        for kind in ("net", "ipc"):
            made.held_by_mounts.append(start(processes.held_by_bind_mount(kind)))
        made.held_by_sockets.append(start(processes.held_by_socket()))
        yield made
