"""For one path: what each layer of the stack has to do with it."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import Literal

from nsview.layers.entry import Attributes, FileType, Place
from nsview.layers.merge import MergedTree
from nsview.layers.paths import join_path, split_path
from nsview.layers.union import Union

State = Literal["provides", "shadowed", "whiteout", "opaque", "absent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """What one layer says of a path."""

    index: int
    state: State
    """``provides``: what is seen is this one (a directory: it is merged in); ``shadowed``: it has
    the path, and a layer above hides it; ``whiteout``: it removes the path; ``opaque``: it has no
    such path and hides it in those below, by an opaque directory or by something that is none;
    ``absent``: it says nothing."""
    type: FileType | None = None
    size: int | None = None
    mtime_ns: int | None = None
    opaque: bool = False
    """It has the path, and is an opaque directory there."""
    by: str | None = None
    """The path of the whiteout, or of what hides; the path itself or one above it."""


def blame(tree: MergedTree, path: str) -> list[Blame]:
    """What each layer has to do with `path`, topmost first. No link in it is followed.

    A layer that could not be found is ``absent``, as are data-only ones.
    """
    names = split_path(path)
    seen = _visible(tree, names)
    return [_in_layer(tree, index, names, seen) for index in range(len(tree.stack.layers))]


def _visible(tree: MergedTree, names: list[str]) -> dict[int, str]:
    """Layers that make up what is seen, and the path in each."""
    places: tuple[Place, ...] | None = tree.top
    if names:
        parent = tree.directory(join_path(names[:-1]))
        found = tree.union.child(parent, names[-1]) if parent else None
        places = found.places if found else ()
    return {place.layer: place.path for place in places or ()}


def _in_layer(tree: MergedTree, index: int, names: list[str], seen: dict[int, str]) -> Blame:
    # A renamed directory is elsewhere in the layers below; hidden ones are where they say.
    own = split_path(seen[index]) if index in seen else names
    if not own:
        return Blame(index=index, state="provides" if index in seen else "absent")
    union = Union(tree.roots, tree.marks, (Place(index, ""),), ())
    hiding: str | None = None
    for depth, name in enumerate(own):
        parent = Place(index, "/".join(own[:depth]))
        found = union.children((parent,), (name,)).get(name)
        here = join_path(own[: depth + 1])
        if found is None:
            return _hides(index, hiding)
        if found.whiteout:
            return Blame(index=index, state="whiteout", by=here)
        last = depth == len(own) - 1
        opaque = _is_opaque(tree, parent, name, found.attributes)
        if last:
            return _has(index, found.attributes, index in seen, opaque=opaque)
        if found.attributes.type != "directory":
            return _hides(index, here)
        if opaque and hiding is None:
            hiding = here
    return _hides(index, hiding)


def _hides(index: int, by: str | None) -> Blame:
    return Blame(index=index, state="absent" if by is None else "opaque", by=by)


def _has(index: int, what: Attributes, seen: bool, *, opaque: bool) -> Blame:
    return Blame(
        index=index,
        state="provides" if seen else "shadowed",
        type=what.type,
        size=what.size,
        mtime_ns=what.mtime_ns,
        opaque=opaque,
    )


def _is_opaque(tree: MergedTree, parent: Place, name: str, what: Attributes) -> bool:
    if not stat.S_ISDIR(what.mode):
        return False
    with tree.roots.directory(*parent) as fd:
        return fd is not None and tree.marks.is_opaque(fd, name)
