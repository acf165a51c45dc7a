"""A forest as lines: who is below whom, drawn with guides, parts of it folded away."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Line(NamedTuple, Generic[T]):
    """One visible item of a forest."""

    item: T
    guide: str
    """Box drawing in front of the item; two cells a level, empty for a root."""
    depth: int
    below: int
    """How many items its children are; 0 for a leaf."""
    folded: bool
    """Its children are not shown."""


def outline(
    items: Iterable[T],
    key: Callable[[T], Hashable],
    parent: Callable[[T], Hashable | None],
    folded: Collection[Hashable] = (),
) -> list[Line[T]]:
    """Order `items` as a forest, parents before children, siblings in the given order.

    An item whose parent is not among the items is a root. Items that are their own ancestors
    (a process table read while PIDs were reused can look like that) are roots too: nothing is lost.
    """
    ordered = list(items)
    keys = {key(item) for item in ordered}
    children: dict[Hashable, list[T]] = {}
    roots: list[T] = []
    for item in ordered:
        above = parent(item)
        if above is None or above not in keys or above == key(item):
            roots.append(item)
        else:
            children.setdefault(above, []).append(item)
    lines: list[Line[T]] = []
    seen: set[Hashable] = set()
    for root in roots:
        _draw(root, key, children, folded, lines, seen)
    for item in ordered:  # only members of a cycle are left
        if key(item) not in seen:
            _draw(item, key, children, folded, lines, seen)
    return lines


# Depth first without recursion: process trees may be thousands of levels deep. Folded branches are
# walked too (but not drawn), so that `seen` tells cycles from what is merely hidden.
def _draw(
    root: T,
    key: Callable[[T], Hashable],
    children: dict[Hashable, list[T]],
    folded: Collection[Hashable],
    lines: list[Line[T]],
    seen: set[Hashable],
) -> None:
    stack: list[tuple[T, str, str, int, bool]] = [(root, "", "", 0, True)]
    while stack:
        item, guide, stem, depth, visible = stack.pop()
        identity = key(item)
        if identity in seen:
            continue
        seen.add(identity)
        below = children.get(identity, [])
        closed = bool(below) and identity in folded
        if visible:
            lines.append(Line(item, guide, depth, len(below), closed))
        for index in range(len(below) - 1, -1, -1):
            last = index == len(below) - 1
            stack.append(
                (
                    below[index],
                    stem + ("└ " if last else "├ "),
                    stem + ("  " if last else "│ "),
                    depth + 1,
                    visible and not closed,
                )
            )
