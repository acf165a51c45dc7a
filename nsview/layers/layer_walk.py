"""What one layer changes, as paths to be replaced and paths to be taken away.

An overlay hides what is below by marks that archives of layers do not know: opaque directories,
redirects, contents left in a lower layer. So two merged views are compared, the one with the layer
and the one without, but only where the layer has a directory of its own. As long as both views are
merged from the same lower directories, they can only differ in what the layer itself holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nsview.errors import NsviewError
from nsview.layers.merge import MergedTree
from nsview.layers.paths import join_path, split_path
from nsview.layers.union import Found, Places
from nsview.layers.xattrs import WHITEOUT_PREFIX

#: Nothing is below: everything visible is to be had.
NOTHING_BELOW: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Item:
    """One path; parents come before what is in them, whiteouts before their siblings."""

    path: str
    """From the root, without a leading slash; "" is the root."""
    found: Found
    parent: Places
    """The directories that the one it is in is merged from."""

    @property
    def whiteout(self) -> bool:
        """Lower layers have it, and it is to be taken away."""
        return self.found.whiteout

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Findings:
    """What had to be left out or may be wrong: for each kind how many, and the first."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    def add(self, what: str, path: str) -> None:
        """Remember one; `what` is worded for several."""
        count, first = self._found.get(what, (0, path))
        self._found[what] = count + 1, first

    @property
    def notes(self) -> tuple[str, ...]:
        """In words."""
        return tuple(
            f"{what}: /{first}" + (f" and {count - 1} more" if count > 1 else "")
            for what, (count, first) in self._found.items()
        )


MOUNTS: Final = "other file systems are mounted there and left out"
MARKS: Final = "names that begin with .wh. are left out, an image would delete by them"


class LayerWalk:
    """Walks what the layer `top` of a stack changes against the layers from `base` on.

    With `base` = `NOTHING_BELOW`, that is the whole merged tree.
    """

    def __init__(
        self, tree: MergedTree, findings: Findings, *, top: int = 0, base: int = 1
    ) -> None:
        self._tree = tree
        self._findings = findings
        self._top = top
        self._base = base
        self._union = tree.union_below(top)
        self._lower = tree.union_below(base)
        self._devices: dict[int, int] = {}

    def changes(self) -> Iterator[Item]:
        """Everything below the root, sorted by the bytes of each name."""
        yield from self.below("", self._union.top, self._lower.top)

    def below(self, path: str, places: Places, lower: Places) -> Iterator[Item]:
        """Everything below a directory, given what it is merged from with and without the layer."""
        waiting = [iter(self._directory(path, places, lower))]
        while waiting:
            step = next(waiting[-1], None)
            if step is None:
                waiting.pop()
                continue
            item, its_lower = step
            yield item
            if item.found.attributes.type == "directory" and not item.whiteout:
                if self._is_mount(item):
                    self._findings.add(MOUNTS, item.path)
                    continue
                there = item.found.places
                waiting.append(iter(self._directory(item.path, there, its_lower)))

    def _directory(self, path: str, places: Places, lower: Places) -> list[tuple[Item, Places]]:
        rest = tuple(place for place in places if place.layer >= self._base)
        own = tuple(place for place in places if place.layer == self._top)
        if own and rest == lower and self._base != NOTHING_BELOW:
            found, below = self._own(own, places, lower)
        else:
            found, below = self._whole(places, lower)
        items = []
        for name, one in sorted(found.items(), key=_whiteouts_first):
            if one.broken:
                raise NsviewError(f"/{path}/{name}: {one.broken}")
            under = below.get(name)
            is_directory = under is not None and under.attributes.type == "directory"
            its_lower = under.places if under is not None and is_directory else ()
            items.append((Item(f"{path}/{name}" if path else name, one, places), its_lower))
        return items

    def _own(
        self, own: Places, places: Places, lower: Places
    ) -> tuple[dict[str, Found], dict[str, Found]]:
        """Only what the layer itself has; directories as they are merged."""
        found = self._union.children(own)
        directories = [name for name, one in found.items() if one.attributes.type == "directory"]
        asked = [*directories, *(name for name, one in found.items() if one.whiteout)]
        if directories and own != places:
            merged = self._union.children(places, directories)
            found.update((name, one) for name, one in merged.items() if name in found)
        below = self._lower.visible(lower, asked)
        useless = [name for name, one in found.items() if one.whiteout and name not in below]
        for name in useless:
            del found[name]
        return found, below

    def _whole(self, places: Places, lower: Places) -> tuple[dict[str, Found], dict[str, Found]]:
        """Everything visible, and whiteouts for what is no longer."""
        found = self._union.visible(places)
        below = self._lower.visible(lower)
        for name, one in below.items():
            if name not in found:
                found[name] = Found(name, one.attributes, (), whiteout=True)
        return found, below

    def _is_mount(self, item: Item) -> bool:
        """Whether something else is mounted on a directory of the layer, where we see the layer."""
        place = item.found.places[0]
        if place.layer not in self._devices:
            with self._tree.roots.directory(place.layer, "") as fd:
                self._devices[place.layer] = os.fstat(fd).st_dev if fd is not None else 0
        return item.found.attributes.device != self._devices[place.layer]


def without_marks(items: Iterator[Item], findings: Findings) -> Iterator[Item]:
    """Leave out what an image could not hold: names that are marks there, and all below them."""
    hidden: str | None = None
    for item in items:
        if hidden is not None and item.path.startswith(hidden):
            continue
        if item.name.startswith(WHITEOUT_PREFIX) and not item.whiteout:
            findings.add(MARKS, item.path)
            hidden = f"{item.path}/"
            continue
        yield item


def find_item(tree: MergedTree, path: str) -> Item | None:
    """The item at a path of the merged view; None when nothing is there. Not for the root."""
    names = split_path(path)
    parent = tree.directory(join_path(names[:-1]))
    found = tree.union.child(parent, names[-1]) if parent else None
    if found is None or parent is None:
        return None
    if found.broken:
        raise NsviewError(f"{path}: {found.broken}")
    return Item("/".join(names), found, parent)


def _whiteouts_first(entry: tuple[str, Found]) -> tuple[bool, bytes]:
    return not entry[1].whiteout, os.fsencode(entry[0])
