"""Whom a reference names, as far as entering goes: a process, and the container it belongs to.

Who names a process does not wait for a look at the whole host: what that takes is imported only for
those who name a container.
"""

from __future__ import annotations

from nsview.errors import NoSuchObject, NsviewError
from nsview.host.census import read_task
from nsview.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsview.host.model import Container, Snapshot
    from nsview.kernel.procfs import Procfs
    from nsview.kernel.task import Task

_LONGEST_PID: Final = 10


def find_process(procfs: Procfs, reference: str) -> Task | None:
    """The process that ``4711`` or ``pid:4711`` names; None for other words, or where none is."""
    number = reference.removeprefix("pid:")
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_PID):
        return None
    return read_task(procfs, int(number), own_pid_ns=0)


def find_target(snapshot: Snapshot, reference: str) -> tuple[Container, Task]:
    """A PID names exactly that process, anything else the container's first.

    Raises `NoSuchObject`, and `NsviewError` for the host itself.
    """
    from nsview.host.reference import HOST_REF, find_container, process_named

    task = process_named(snapshot, reference)
    if task is not None:
        return find_container(snapshot, snapshot.membership.get(task.pid, HOST_REF)), task
    container = find_container(snapshot, reference)
    return container, first_process(snapshot, container)


def first_process(snapshot: Snapshot, container: Container) -> Task:
    """In whose place one enters the container; raises as `find_target`."""
    from nsview.host.entry import process_to_join

    if container.kind == "host":
        raise NsviewError("that is the host: there is nothing to enter")
    task = process_to_join(snapshot, container)
    if task is None:
        raise NoSuchObject(f"{container.ref} does not run", hint="nsview ls lists what does")
    return task
