"""Bytes that lower layers store though nobody can see them.

What a layer above has copied, replaced or deleted is still there below, in every pull and on every
disk. Only what is hidden counts, and so could be reclaimed by building the image otherwise; the
copy that is seen does not.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from nsview.layers.entry import Place
from nsview.layers.layer_directory import read_status
from nsview.layers.merge import MergedTree
from nsview.layers.redirects import Refused
from nsview.layers.sizes import Cancelled, closed_words, measure_layer, never
from nsview.layers.union import Found, Places
from nsview.layers.walk import walk_directories
from nsview.layers.xattrs import is_device_whiteout

How = Literal["replaced", "deleted", "opaque"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wasted:
    """A file, or a whole directory, that a layer stores and nobody can see."""

    path: str
    layer: int
    """Which layer stores it."""
    by: int
    """Which one hides it."""
    how: How
    """By something else of that name, by a whiteout, or by an opaque directory."""
    size: int
    """Bytes of regular files. A file with several names counts with the last one that is hidden."""
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste:
    """What a stack of layers wastes."""

    items: tuple[Wasted, ...]
    """The largest first."""
    layers: tuple[int, ...]
    """Hidden bytes in each layer."""
    wasted: int
    total: int
    """Bytes of all layers."""
    closed: int = 0
    """Directories that may not be read, and so do not count."""
    notes: tuple[str, ...] = ()

    @property
    def efficiency(self) -> float:
        """The part of all stored bytes that can be seen, 0 to 1."""
        return 1.0 - self.wasted / self.total if self.total else 1.0


def find_waste(tree: MergedTree, cancelled: Callable[[], bool] = never) -> Waste:
    """Read all directories that several layers share, and all that are hidden.

    Raises `nsview.layers.sizes.Cancelled` when `cancelled` says so.
    """
    search = _Search(tree, cancelled)
    search.run()
    items = [item for item, place in search.items if not _is_used(place, search.used)]
    layers: Counter[int] = Counter()
    for item in items:
        layers[item.layer] += item.size
    found = [layer for layer in tree.stack.layers if layer.path is not None]
    sizes = [measure_layer(layer, cancelled) for layer in found]
    kept = len(search.items) - len(items)
    closed = sum(size.closed for size in sizes)
    notes = [f"{kept} hidden paths are in use under another name"] if kept else []
    notes += [f"counted without {closed_words(closed)}"] if closed else []
    return Waste(
        items=tuple(sorted(items, key=lambda item: (-item.size, item.path, item.layer))),
        layers=tuple(layers[layer.index] for layer in tree.stack.layers),
        wasted=sum(item.size for item in items),
        total=sum(size.bytes for size in sizes),
        closed=closed,
        notes=tuple(notes),
    )


def _is_used(hidden: Place, used: set[Place]) -> bool:
    """Whether a renamed directory or a copy of metadata alone still reads from there."""
    return any(
        place.layer == hidden.layer
        and (place.path == hidden.path or place.path.startswith(f"{hidden.path}/"))
        for place in used
    )


@dataclass(slots=True)
class _Search:
    tree: MergedTree
    cancelled: Callable[[], bool]
    items: list[tuple[Wasted, Place]] = field(default_factory=list)
    """With the place in the layer, which differs from the path where directories were renamed."""
    used: set[Place] = field(default_factory=set)
    links: dict[tuple[int, int, int], int] = field(default_factory=dict)
    """Names of a hard-linked file that are not known to be hidden yet."""

    def run(self) -> None:
        todo: list[tuple[str, Places]] = [("", self.tree.top)]
        while todo:
            if self.cancelled():
                raise Cancelled
            path, places = todo.pop()
            here = {place.layer: place for place in places}
            for name, one in self.tree.union.children(places).items():
                self._add_hidden(f"{path}/{name}", name, one, places, here)
                if not one.whiteout and one.attributes.type == "directory" and not one.broken:
                    if one.redirected:
                        self.used.update(one.places[1:])
                    if len(one.places) > 1:  # a directory of one layer alone hides nothing
                        todo.append((f"{path}/{name}", one.places))

    def _add_hidden(
        self, path: str, name: str, one: Found, places: Places, here: dict[int, Place]
    ) -> None:
        if not one.hidden:
            return
        if self.tree.stack.rules.metacopy and one.attributes.type == "file":
            self._note_contents(places, name)
        by = one.closed_by
        how: How = "deleted" if one.whiteout else one.closed_how
        for layer in one.hidden:
            place = here[layer].below(name)
            size, files = self._measure(place)
            if size:
                item = Wasted(path=path, layer=layer, by=by, how=how, size=size, files=files)
                self.items.append((item, place))
            by, how = layer, "replaced"

    def _note_contents(self, places: Places, name: str) -> None:
        try:
            place = self.tree.union.contents(places, name)
        except Refused:
            return
        if place is not None:
            self.used.add(place)

    def _measure(self, place: Place) -> tuple[int, int]:
        """Bytes and files of a hidden name, all below it included."""
        with self.tree.roots.directory(*place) as fd:
            if fd is not None:
                return self._measure_below(fd)
        parent, name = place.split()
        with self.tree.roots.directory(*parent) as fd:
            status = None if fd is None else read_status(fd, name)
            return self._count([] if status is None else [status])

    def _measure_below(self, top: int) -> tuple[int, int]:
        size = files = 0
        for directory in walk_directories(top, lambda: None):  # the layer's size says so
            if self.cancelled():
                raise Cancelled
            statuses = []
            with os.scandir(directory.fd) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        directory.below.append(entry.name)
                        continue
                    with contextlib.suppress(FileNotFoundError):
                        statuses.append(entry.stat(follow_symlinks=False))
            more, number = self._count(statuses)
            size += more
            files += number
        return size, files

    def _count(self, statuses: Iterable[os.stat_result]) -> tuple[int, int]:
        size = files = 0
        for status in statuses:
            if is_device_whiteout(status):
                continue
            files += 1
            if stat.S_ISREG(status.st_mode) and self._is_last_name(status):
                size += status.st_size
        return size, files

    def _is_last_name(self, status: os.stat_result) -> bool:
        if status.st_nlink == 1:
            return True
        key = (status.st_dev, status.st_ino, status.st_nlink)
        self.links[key] = self.links.get(key, status.st_nlink) - 1
        return self.links[key] == 0
