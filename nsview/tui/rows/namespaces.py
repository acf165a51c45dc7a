"""Namespaces as rows, and in words why the kernel keeps each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from nsview.display import display
from nsview.host.holder_words import held_by_words
from nsview.host.model import Container, Namespace, Snapshot
from nsview.kernel.namespaces import KINDS
from nsview.tui.rows.outline import Line, outline

Order = Literal["flat", "parent", "owner"]
ORDERS: tuple[Order, ...] = ("flat", "parent", "owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceRow:
    """What one line of a namespace table says."""

    key: tuple[str, int]
    """(kind, inode)."""
    namespace: Namespace
    line: Line[Namespace]
    """Where it stands in the tree."""
    held_by: str
    """Display-safe words."""
    container: str


def namespace_rows(
    snapshot: Snapshot,
    namespaces: Iterable[Namespace],
    *,
    order: Order = "flat",
    folded: Collection[tuple[str, int]] = (),
) -> list[NamespaceRow]:
    """Rows in the given order, or as a forest by parent or by owner."""
    ordered = list(namespaces)
    lines: Iterable[Line[Namespace]]
    if order == "flat":
        lines = (Line(one, "", 0, 0, False) for one in ordered)
    else:
        above = _parent_key if order == "parent" else _owner_key
        lines = outline(ordered, _key, above, folded)
    return [
        NamespaceRow(
            key=_key(line.item),
            namespace=line.item,
            line=line,
            held_by=held_by_words(snapshot, line.item.held_by),
            container=_container_name(snapshot, line.item),
        )
        for line in lines
    ]


def kernel_order(namespace: Namespace) -> tuple[int, bool, int]:
    """Sorts by kind, as the kernel lists them, the host's first."""
    return KINDS.index(namespace.kind), not namespace.initial, namespace.ino


def _key(namespace: Namespace) -> tuple[str, int]:
    return namespace.kind, namespace.ino


# Only pid and user namespaces have parents (NS_GET_PARENT, ioctl_nsfs(2)).
def _parent_key(namespace: Namespace) -> tuple[str, int] | None:
    return None if namespace.parent is None else (namespace.kind, namespace.parent)


# A user namespace is owned by the one it was made in, which is its parent as well.
def _owner_key(namespace: Namespace) -> tuple[str, int] | None:
    above = namespace.parent if namespace.kind == "user" else namespace.owner
    return None if above is None else ("user", above)


def _container_name(snapshot: Snapshot, namespace: Namespace) -> str:
    if namespace.container is None:
        return "host" if namespace.initial else "–"
    return display(namespace.container)


def of_container(
    snapshot: Snapshot, container: Container, namespaces: Iterable[Namespace]
) -> list[Namespace]:
    """Those that a member of `container` is in, or that belong to it without a process."""
    inodes = {use.ino for use in container.namespaces.values()}
    for pid in container.members:
        if task := snapshot.tasks.get(pid):
            inodes.update(task.namespaces)
    return [one for one in namespaces if one.ino in inodes or one.container == container.ref]
