"""What the kernel's overlay would show of layers that another program has marked.

fuse-overlayfs hides what is below by files named ``.wh.NAME``, which are files like any other to
the kernel. One more layer on top, with whiteouts of the kernel's own, makes it show the same.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from nsview.errors import NsviewError
from nsview.layers.entry import Attributes
from nsview.layers.merge import MergedTree
from nsview.layers.stack import OverlayRules, Stack
from nsview.layers.union import Found, Places

#: On a layer's root directory: modes and owners in it are those of attributes. fuse-overlayfs(1).
_OVERRIDES: Final = ("user.fuseoverlayfs.override_stat", "user.containers.override_stat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """A directory that the layer on top must have, and what it has to hide there."""

    path: str
    """From the root, without a leading slash; "" is the root."""
    mode: int
    uid: int
    gid: int
    hidden: tuple[str, ...] = ()
    """Names that get whiteouts."""


_Trail = tuple[Cover, ...]


def covers_of(stack: Stack) -> tuple[Cover, ...]:
    """The directories of a layer that hides from the kernel what the stack's own rules hide.

    Parents come first. All layers are walked. Raises `NsviewError` where the kernel would show
    something else in spite of it.
    """
    for layer in stack.layers:
        if any(_has(layer.directory, attribute) for attribute in _OVERRIDES):
            raise NsviewError("modes and owners of its files are in attributes")
    found: dict[str, Cover] = {}
    with MergedTree(stack) as own, MergedTree(replace(stack, rules=OverlayRules())) as kernel:
        for trail, hidden in _differences(own, kernel):
            for one in trail:
                found.setdefault(one.path, one)
            found[trail[-1].path] = replace(trail[-1], hidden=hidden)
    return tuple(found.values())


def _differences(own: MergedTree, kernel: MergedTree) -> Iterator[tuple[_Trail, tuple[str, ...]]]:
    """Each directory in which the kernel shows too much, after those it is in; and the names."""
    root = own.lookup("/")
    assert root is not None
    top = Cover(path="", mode=root.mode, uid=root.uid, gid=root.gid)
    waiting: list[tuple[_Trail, Places, Places]] = [((top,), own.top, kernel.top)]
    while waiting:
        trail, ours, theirs = waiting.pop()
        visible = _visible(own.union.children(ours))
        shown = _visible(kernel.union.children(theirs))
        if hidden := tuple(sorted(shown.keys() - visible.keys())):
            yield trail, hidden
        for name, one in visible.items():
            path = f"{trail[-1].path}/{name}".lstrip("/")
            other = shown.get(name)
            if other is None or one.broken or other.broken or one.places[0] != other.places[0]:
                raise NsviewError(f"the kernel's overlay shows something else at /{path}")
            if one.attributes.type == "directory":
                cover = _cover(path, one.attributes)
                waiting.append(((*trail, cover), tuple(one.places), tuple(other.places)))


def _visible(found: dict[str, Found]) -> dict[str, Found]:
    return {name: one for name, one in found.items() if not one.whiteout}


def _cover(path: str, seen: Attributes) -> Cover:
    return Cover(path=path, mode=stat.S_IMODE(seen.mode), uid=seen.uid, gid=seen.gid)


def _has(directory: str | None, attribute: str) -> bool:
    with suppress(OSError):
        return directory is not None and bool(os.getxattr(directory, attribute))
    return False
