"""What a person types to name a container: ``web``, ``docker/web``, an id prefix, a PID, ...

::

    docker/web           its ref, which never collides
    web                  its name, when only one has it
    9f3c                 the beginning of its id, four characters or more
    4711, pid:4711       the container of that process on the host
    mnt:[4026532180]     the container in that namespace
"""

from __future__ import annotations

from nsview.errors import Ambiguous, NoSuchObject
from nsview.host.model import Container, Snapshot
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task

HOST_REF = "host"
_SHORTEST_PREFIX = 4
_LONGEST_PID = 10
_LONGEST_INODE = 20


def find_container(snapshot: Snapshot, reference: str) -> Container:
    """The one container that `reference` names.

    Raises `NoSuchObject`, or `Ambiguous` with the candidates.
    """
    for candidates in (
        _by_ref(snapshot, reference),
        _by_name(snapshot, reference),
        _by_namespace(snapshot, reference),
        _by_pid(snapshot, reference),
        _by_id(snapshot, reference),
    ):
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise Ambiguous(reference, [one.ref for one in candidates])
    raise NoSuchObject(f"no container {reference!r}", hint="nsview ls --all lists what there is")


def find_task(snapshot: Snapshot, reference: str) -> Task:
    """The process on the host that a number (or ``pid:N``) names; raises `NoSuchObject`."""
    pid = _number(reference.removeprefix("pid:"), _LONGEST_PID)
    if pid is None:
        raise NoSuchObject(f"{reference!r} is no PID")
    task = snapshot.tasks.get(pid)
    if task is None:
        raise NoSuchObject(f"no process {pid}")
    return task


def process_named(snapshot: Snapshot, reference: str) -> Task | None:
    """The process that `reference` names by its number, if it names one."""
    try:
        return find_task(snapshot, reference)
    except NoSuchObject:
        return None


def parse_namespace_reference(reference: str) -> tuple[str, int] | None:
    """``net:[4026532180]`` -> kind and inode; None for anything else."""
    kind, _, number = reference.removesuffix("]").partition(":[")
    ino = _number(number, _LONGEST_INODE) if reference.endswith("]") else None
    return None if ino is None or kind not in KINDS else (kind, ino)


def _number(text: str, longest: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= longest else None


def _by_ref(snapshot: Snapshot, reference: str) -> list[Container]:
    return [one for one in snapshot.containers if one.ref == reference]


def _by_name(snapshot: Snapshot, reference: str) -> list[Container]:
    named = [one for one in snapshot.containers if one.name == reference]
    # A stopped or isolated namesake does not stand in the way of the container that runs.
    running = [one for one in named if one.pid is not None and one.kind != "isolated"]
    return running or named


def _by_id(snapshot: Snapshot, reference: str) -> list[Container]:
    if len(reference) < _SHORTEST_PREFIX:
        return []
    found = [one for one in snapshot.containers if one.id and one.id.startswith(reference)]
    exact = [one for one in found if one.id == reference]
    return exact or found


def _by_pid(snapshot: Snapshot, reference: str) -> list[Container]:
    pid = _number(reference.removeprefix("pid:"), _LONGEST_PID)
    if pid is None or pid not in snapshot.tasks:
        return []
    return _by_ref(snapshot, snapshot.membership.get(pid, HOST_REF))


def _by_namespace(snapshot: Snapshot, reference: str) -> list[Container]:
    named = parse_namespace_reference(reference)
    if named is None:
        return []
    kind, ino = named
    return [
        one
        for one in snapshot.containers
        if (use := one.namespaces.get(kind)) is not None and use.ino == ino
    ]
