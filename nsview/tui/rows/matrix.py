"""The namespace matrix: which namespaces a container has for itself, and whom it shares with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nsview.display import display
from nsview.host.holder_words import held_by_words
from nsview.host.model import Container, Holder, Snapshot
from nsview.kernel.namespaces import KINDS

#: How many containers a cell names before it only counts them.
_NAMED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One kind of namespace, as one container has it."""

    kind: str
    own: int
    """Inode; 0 where it could not be read."""
    host: int
    shared: bool
    """It is the host's (and this is not the host itself)."""
    with_whom: str
    """Display-safe words: ``nobody``, ``host, 11 containers``, ``db, web``."""
    held_by: str
    """Display-safe words."""


def matrix_rows(
    snapshot: Snapshot,
    container: Container,
    holders: Mapping[str, Sequence[Holder]] | None = None,
) -> list[MatrixRow]:
    """A row for each kind. `holders`, by kind, cost a walk; without them members are counted."""
    members = _members_by_namespace(snapshot)
    rows = []
    for index, kind in enumerate(KINDS):
        use = container.namespaces.get(kind)
        own = use.ino if use else 0
        shared = use is not None and use.shared and container.kind != "host"
        known = (holders or {}).get(kind)
        rows.append(
            MatrixRow(
                kind=kind,
                own=own,
                host=snapshot.initial.get(kind, 0),
                shared=shared,
                with_whom=_with_whom(snapshot, container, kind, own, shared),
                held_by=held_by_words(snapshot, known) if known else _counted(members[index][own]),
            )
        )
    return rows


def _members_by_namespace(snapshot: Snapshot) -> list[Counter[int]]:
    columns = zip(*(task.namespaces for task in snapshot.tasks.values()), strict=True)
    return [Counter(column) for column in columns] or [Counter() for _ in KINDS]


def _counted(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"


def _with_whom(snapshot: Snapshot, container: Container, kind: str, own: int, shared: bool) -> str:
    if own == 0:
        return "not readable"
    others = [
        one.name
        for one in snapshot.containers
        if one.ref != container.ref and one.kind != "host" and one.status != "stopped"
        and (use := one.namespaces.get(kind)) is not None and use.ino == own
    ]  # fmt: skip
    words = ["host"] if shared else []
    if len(others) > _NAMED:
        words.append(f"{len(others)} containers")
    else:
        words += [display(name) for name in others]
    return ", ".join(words) or "nobody"
