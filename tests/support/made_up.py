"""Processes and containers that nobody runs."""

from __future__ import annotations

from typing import Any

from nsview.host.model import Container
from nsview.kernel.task import CgroupPath, Task


def task(pid: int, *paths: str, **more: Any) -> Task:
    """A process in these control groups: of v2 first, of v1 hierarchies then.

    `more` are fields that are to be other than usual.
    """
    lines = tuple(
        CgroupPath(number, "memory" if number else "", path) for number, path in enumerate(paths)
    )
    usual = Task(
        pid=pid, start_time=pid, ppid=1, pids=(pid,), namespaces=(0,) * 8, pid_for_children=0,
        time_for_children=0, uid=0, cgroups=lines, comm="x", state="S", threads=1,
        kernel_thread=False,
    )  # fmt: skip
    return usual._replace(**more)


def container(ref: str, *members: int, **more: Any) -> Container:
    """A container of these processes; the engine is the first word of `ref`."""
    return Container(ref=ref, engine=ref.partition("/")[0], id=None, name=ref, pid=members[0],
                     start_time=members[0], members=members, **more)  # fmt: skip
