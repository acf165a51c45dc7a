"""The namespace matrix in words: which namespaces a container has for itself, and who shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nsview.display import display
from nsview.host.holder_words import held_by_words
from nsview.host.matrix import NamespaceShare, namespace_matrix
from nsview.host.model import Container, Holder, Snapshot
from nsview.host.partial import GONE_STATES

#: How many containers a cell names before it only counts them.
_NAMED = 2

Holders = Mapping[tuple[str, int], Sequence[Holder]]
"""(kind, inode) -> what holds that namespace."""


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
    """Display-safe words: ``nobody``, ``host, 11 containers``, ``db, web``.

    ``nobody in sight`` where processes of others may not be looked at.
    """
    held_by: str
    """Display-safe words."""


def matrix_rows(
    snapshot: Snapshot, container: Container, holders: Holders | None = None
) -> list[MatrixRow]:
    """A row for each kind. `holders` cost a walk; without them members are counted."""
    known = "" if _all_readable(snapshot) else " in sight"
    return [
        _row(snapshot, container, share, (holders or {}).get((share.kind, share.ino)), known)
        for share in namespace_matrix(snapshot, container)
    ]


def _all_readable(snapshot: Snapshot) -> bool:
    """Say whether every process counts; number 1 of the host is known by its fixed numbers."""
    return all(
        any(task.namespaces) or task.pid == 1 or task.state in GONE_STATES
        for task in snapshot.tasks.values()
    )


def _row(
    snapshot: Snapshot,
    container: Container,
    share: NamespaceShare,
    holders: Sequence[Holder] | None,
    known: str,
) -> MatrixRow:
    shared = share.shared and container.kind != "host"
    # What a user namespace owns fills a page, and is on the page of that namespace.
    own = [_shortened(one) for one in holders or () if one.kind not in ("owned", "child")]
    counted = "1 process" if share.members == 1 else f"{share.members} processes"
    counted = f"{counted}{known}" if share.ino else "–"
    return MatrixRow(
        kind=share.kind,
        own=share.ino,
        host=share.host,
        shared=shared,
        with_whom=_with_whom(snapshot, share, shared) or f"nobody{known}",
        held_by=held_by_words(snapshot, own) if own else counted,
    )


def _shortened(one: Holder) -> Holder:
    """Where it is mounted takes half of the page: the end tells it from others."""
    directory, _, name = (one.path or "").rpartition("/")
    return one._replace(path=f"…/{name}") if directory else one


def _with_whom(snapshot: Snapshot, share: NamespaceShare, shared: bool) -> str:
    if share.ino == 0:
        return "not readable"
    sharers = [one for ref in share.shared_with if (one := snapshot.container(ref)) is not None]
    others = [one for one in sharers if one.kind != "isolated"]
    isolated = len(sharers) - len(others)
    words = ["host"] if shared else []
    if len(others) > _NAMED:
        words.append(f"{len(others)} containers")
    else:
        words += [display(one.name) for one in others]
    if isolated:
        words.append(f"{isolated} isolated")
    return ", ".join(words)
