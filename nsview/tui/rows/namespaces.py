"""Namespaces as rows, and in words why the kernel keeps each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from nsview.display import display
from nsview.host.model import Container, Holder, Namespace, Snapshot
from nsview.kernel.namespaces import KINDS
from nsview.tui.rows.outline import Line, marked, outline

Order = Literal["flat", "parent", "owner"]
ORDERS: tuple[Order, ...] = ("flat", "parent", "owner")

#: How many holders of one sort a cell spells out; the object page lists all.
_SPELLED_OUT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceRow:
    """What one line of a namespace table says."""

    key: tuple[str, int]
    """(kind, inode)."""
    namespace: Namespace
    label: str
    """Kind, behind its guide."""
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
    """Rows in the kernel's order of kinds, or as a forest by parent or by owner."""
    ordered = sorted(namespaces, key=lambda one: (KINDS.index(one.kind), not one.initial, one.ino))
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
            label=marked(line, line.item.kind),
            held_by=held_by_words(snapshot, line.item.held_by),
            container=_container_name(snapshot, line.item),
        )
        for line in lines
    ]


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


def held_by_words(snapshot: Snapshot, holders: Sequence[Holder]) -> str:
    """``5 processes, fd 3 of 4711 (sleep), bind /run/netns/x``; display-safe."""
    words: list[str] = []
    spelled: dict[str, int] = {}
    for holder in holders:
        spelled[holder.kind] = spelled.get(holder.kind, 0) + 1
        if spelled[holder.kind] <= _SPELLED_OUT:
            words.append(holder_words(snapshot, holder))
    words += [
        f"{count - _SPELLED_OUT} more of kind {kind}"
        for kind, count in spelled.items()
        if count > _SPELLED_OUT
    ]
    return ", ".join(words) or "–"


def holder_words(snapshot: Snapshot, holder: Holder) -> str:
    """One holder in words, display-safe."""
    by = _process_words(snapshot, holder.pid)
    if holder.kind == "process":
        members = "1 process" if holder.count == 1 else f"{holder.count} processes"
        return f"next child of {by}" if holder.children else members
    if holder.kind == "thread":
        return (
            f"next child of thread {holder.tid}"
            if holder.children
            else f"thread {holder.tid} of {by}"
        )
    if holder.kind == "fd":
        return f"fd {holder.fd} of {by}"
    if holder.kind == "socket":
        return f"socket fd {holder.fd} of {by}"
    if holder.kind == "bind":
        return f"bind {display(holder.path or '?')}"
    if holder.kind == "child":
        return f"child {holder.namespace_kind}:[{holder.ino}]"
    if holder.kind == "owned":
        return f"owns {holder.namespace_kind}:[{holder.ino}]"
    return "something that nothing visible explains"


def _process_words(snapshot: Snapshot, pid: int | None) -> str:
    task = snapshot.tasks.get(pid) if pid is not None else None
    return f"{pid} ({display(task.comm)})" if task else f"{pid}"
