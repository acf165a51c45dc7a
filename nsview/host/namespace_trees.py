"""The three orders among namespaces, as trees: by parent, by owner, and by process.

Only pid and user namespaces have parents (ioctl_ns(2)); every namespace has an owner, the user
namespace in which its capabilities count (user_namespaces(7)); and a process that makes a namespace
hangs below a process that did not.
"""

from __future__ import annotations

from nsview.host.model import Namespace
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.named_tuple import NamedTuple
from nsview.typed import Callable, Iterable, Mapping

_Key = tuple[str, int]


class NamespaceNode(NamedTuple):
    """A row of a tree, in the order in which it is shown."""

    namespace: Namespace
    depth: int
    """0 for a root: nothing is above it, or nothing that is listed."""


def tree_by_parent(namespaces: Iterable[Namespace]) -> tuple[NamespaceNode, ...]:
    """Pid and user namespaces below their parents; all other kinds have none and are roots."""

    def parent(namespace: Namespace) -> _Key | None:
        return None if namespace.parent is None else (namespace.kind, namespace.parent)

    return _tree(namespaces, parent)


def tree_by_owner(namespaces: Iterable[Namespace]) -> tuple[NamespaceNode, ...]:
    """Every namespace below the user namespace that owns it."""

    def owner(namespace: Namespace) -> _Key | None:
        return None if namespace.owner is None else ("user", namespace.owner)

    return _tree(namespaces, owner)


def tree_by_process(
    namespaces: Iterable[Namespace], tasks: Mapping[int, Task]
) -> tuple[NamespaceNode, ...]:
    """Every namespace below the one of its kind that its first process's parent is in."""
    index_of = {kind: index for index, kind in enumerate(KINDS)}

    def above(namespace: Namespace) -> _Key | None:
        index = index_of[namespace.kind]
        pid = namespace.pid
        seen: set[int] = set()
        while pid is not None and pid in tasks and pid not in seen:
            seen.add(pid)
            ino = tasks[pid].namespaces[index]
            if ino not in (0, namespace.ino):
                return namespace.kind, ino
            pid = tasks[pid].ppid
        return None

    return _tree(namespaces, above)


def _tree(
    namespaces: Iterable[Namespace], above: Callable[[Namespace], _Key | None]
) -> tuple[NamespaceNode, ...]:
    listed = {(one.kind, one.ino): one for one in namespaces}
    below: dict[_Key | None, list[_Key]] = {}
    for key, namespace in listed.items():
        upper = above(namespace)
        known = upper if upper in listed and upper != key else None
        below.setdefault(known, []).append(key)

    nodes: list[NamespaceNode] = []
    left = dict.fromkeys(listed)

    def walk(start: _Key) -> None:
        # With a stack of its own: pid namespaces nest 32 deep, but trees by process know no bound.
        waiting = [(start, 0)]
        while waiting:
            key, depth = waiting.pop()
            if key not in left:
                continue
            del left[key]
            nodes.append(NamespaceNode(listed[key], depth))
            waiting += [(child, depth + 1) for child in reversed(below.get(key, []))]

    for root in below.get(None, []):
        walk(root)
    while left:  # a loop: a namespace was freed and its number reused while we looked
        walk(next(iter(left)))
    return tuple(nodes)
