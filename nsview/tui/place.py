"""Where one can step in."""

from __future__ import annotations

from typing import NamedTuple

from nsview.enter.find import first_process
from nsview.host.model import Container, Snapshot
from nsview.kernel.task import Task


class Place(NamedTuple):
    """Beside a process."""

    task: Task
    label: str
    """What people call it; may hold anything."""


def process_place(task: Task) -> Place:
    """Beside exactly that process, whatever namespaces its container's first one has."""
    return Place(task, f"process {task.pid} ({task.comm})")


def container_place(snapshot: Snapshot, container: Container) -> Place:
    """In a container; raises `NsviewError` when nobody is in there."""
    return Place(first_process(snapshot, container), container.name)
