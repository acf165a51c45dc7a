"""Whom a reference names, as far as entering goes: a process, and the container it belongs to."""

from __future__ import annotations

from nsview.errors import NoSuchObject, NsviewError
from nsview.host.entry import process_to_join
from nsview.host.model import Container, Snapshot
from nsview.host.reference import HOST_REF, find_container, process_named
from nsview.kernel.task import Task


def find_target(snapshot: Snapshot, reference: str) -> tuple[Container, Task]:
    """A PID names exactly that process, anything else the container's first.

    Raises `NoSuchObject`, and `NsviewError` for the host itself.
    """
    task = process_named(snapshot, reference)
    if task is not None:
        return find_container(snapshot, snapshot.membership.get(task.pid, HOST_REF)), task
    container = find_container(snapshot, reference)
    return container, first_process(snapshot, container)


def first_process(snapshot: Snapshot, container: Container) -> Task:
    """In whose place one enters the container; raises as `find_target`."""
    if container.kind == "host":
        raise NsviewError("that is the host: there is nothing to enter")
    task = process_to_join(snapshot, container)
    if task is None:
        raise NoSuchObject(f"{container.ref} does not run", hint="nsview ls lists what does")
    return task
