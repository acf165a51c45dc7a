"""The namespace matrix of a container: of each kind, whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from nsview.host.model import Container, Snapshot
from nsview.kernel.namespaces import KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceShare:
    """One kind of namespace, as one container has it."""

    kind: str
    ino: int
    """0 where it could not be read."""
    host: int
    """The host's; 0 where it cannot be told."""
    shared: bool
    """It is the host's."""
    members: int
    """Processes of the whole host that are in it."""
    shared_with: tuple[str, ...]
    """`ref` of the other containers whose first process is in it; the host is not named here."""
    id: int | None = None
    owner: int | None = None
    """Inode of the user namespace whose capabilities rule it."""


def namespace_matrix(snapshot: Snapshot, container: Container) -> tuple[NamespaceShare, ...]:
    """A row for each kind, from the snapshot alone: `id` and `owner` are still unknown."""
    return tuple(_row(snapshot, container, kind) for kind in KINDS)


def _row(snapshot: Snapshot, container: Container, kind: str) -> NamespaceShare:
    use = container.namespaces.get(kind)
    ino = use.ino if use else 0
    index = KINDS.index(kind)
    others = (
        one.ref
        for one in snapshot.containers
        if ino and one.ref != container.ref and one.kind != "host" and _ino(one, kind) == ino
    )
    return NamespaceShare(
        kind=kind,
        ino=ino,
        host=snapshot.initial.get(kind, 0),
        shared=use is not None and use.shared,
        members=sum(task.namespaces[index] == ino for task in snapshot.tasks.values()) * bool(ino),
        shared_with=tuple(others),
    )


def _ino(container: Container, kind: str) -> int:
    use = container.namespaces.get(kind)
    return use.ino if use else 0
