"""The union of directories, one directory at a time, as the kernel's overlay makes it.

Top down, the first layer that has a name decides what it is. Directories merge with those below
until one of them is opaque, or something else is in the way. fs/overlayfs/{namei,readdir}.c.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from nsview.layers.entry import Attributes, Place, attributes_of
from nsview.layers.layer_directory import GONE, LayerRoots
from nsview.layers.redirects import RedirectedLookup, Refused
from nsview.layers.xattrs import OPAQUE_NAME, WHITEOUT_PREFIX, Marks

Places = tuple[Place, ...]


@dataclass(slots=True)
class Found:
    """What a name is in a merged directory."""

    attributes: Attributes
    places: list[Place]
    """Where it is, topmost first: one place of a file, all that merge of a directory."""
    link: str | None = None
    whiteout: bool = False
    """There is no such name: a layer hides what those below have."""
    open: bool = False
    """A directory that goes on to merge with those of lower layers."""
    redirected: bool = False
    hidden: list[int] = field(default_factory=list)
    """Layers that have the name too, below those that are seen."""
    closed_by: int = -1
    """The layer from which on those below are hidden."""
    closed_how: Literal["replaced", "deleted", "opaque"] = "replaced"
    broken: str | None = None


class Union:
    """Looks names up in merged directories; a directory is the places that it is merged from."""

    def __init__(self, roots: LayerRoots, marks: Marks, top: Places, data: Sequence[int]) -> None:
        self.roots = roots
        self.marks = marks
        self.top = top
        self._redirects = RedirectedLookup(roots, marks, top, data)
        self._lowest = top[-1].layer if top else -1

    def children(self, directory: Places, names: Iterable[str] | None = None) -> dict[str, Found]:
        """All names in a directory, or those of `names` that any layer has; whiteouts among them.

        A layer's directory that vanishes while it is read has nothing in it.
        """
        found: dict[str, Found] = {}
        wanted = None if names is None else list(names)
        for place in directory:
            with self.roots.directory(*place) as fd:
                if fd is not None:
                    self._add_layer(found, fd, place, wanted, last=place is directory[-1])
        for name, one in found.items():
            if one.redirected:
                self._follow(one, directory, name)
        return found

    def child(self, directory: Places, name: str) -> Found | None:
        """One name; None when it is not there or is hidden."""
        one = self.children(directory, (name,)).get(name)
        return None if one is None or one.whiteout else one

    def contents(self, directory: Places, name: str) -> Place | None:
        """Where the contents of the file `name` are, if its topmost layer only has its metadata.

        None: in that layer itself. Raises `Refused` where the kernel finds none.
        """
        return self._redirects.contents(directory, name)

    def _add_layer(
        self, found: dict[str, Found], fd: int, place: Place, names: list[str] | None, *, last: bool
    ) -> None:
        by_name = self.marks.by_name
        hides = set()
        for name, status in _statuses(fd, names):
            if by_name and name.startswith(WHITEOUT_PREFIX):
                hides.add(name.removeprefix(WHITEOUT_PREFIX))
                continue
            one = found.get(name)
            if one is None:
                found[name] = self._first(fd, name, status, place, last=last)
            elif one.open:
                self._merge(one, fd, name, status, place, last=last)
            elif not self.marks.is_whiteout(fd, name, status):
                one.hidden.append(place.layer)
        if by_name:
            if names is not None:
                hides.update(_hidden_by_name(fd, names))
            self._hide(found, hides, fd, place.layer)

    def _first(
        self, fd: int, name: str, status: os.stat_result, place: Place, *, last: bool
    ) -> Found:
        one = Found(attributes_of(status), [below(place, name)], closed_by=place.layer)
        kind = one.attributes.type
        if kind == "symlink":
            one.link = _read_link(fd, name)
        elif kind == "directory":
            self._go_on(one, fd, name, place, last=last)
        else:
            one.whiteout = self.marks.is_whiteout(fd, name, status)
        return one

    def _merge(
        self, one: Found, fd: int, name: str, status: os.stat_result, place: Place, *, last: bool
    ) -> None:
        if stat.S_ISDIR(status.st_mode):
            one.places.append(below(place, name))
            self._go_on(one, fd, name, place, last=last)
        else:
            one.open = False
            if self.marks.is_whiteout(fd, name, status):
                one.closed_by, one.closed_how = place.layer, "deleted"
            else:
                one.hidden.append(place.layer)

    def _go_on(self, one: Found, fd: int, name: str, place: Place, *, last: bool) -> None:
        # The kernel does not look for marks where no layer is left (ovl_lookup_data.last).
        one.closed_by = place.layer
        one.open = not (place.layer == self._lowest or self.marks.is_opaque(fd, name))
        if not one.open:
            one.closed_how = "opaque"
        if one.open and not (last and not self._redirects.follows):
            one.redirected = self.marks.redirect(fd, name) is not None
            one.open = not one.redirected

    def _hide(self, found: dict[str, Found], hides: set[str], fd: int, layer: int) -> None:
        """Apply a layer's ``.wh.`` names: they hide what is below, not what is beside them."""
        for name in hides:
            one = found.get(name)
            if one is not None and one.open:
                one.open, one.closed_how = False, "deleted"
            elif one is not None:
                continue
            elif not name.startswith(WHITEOUT_PREFIX):  # .wh..wh.plnk and so on: aufs's own
                here = attributes_of(os.fstat(fd))
                found[name] = Found(here, [], whiteout=True, closed_by=layer)

    def _follow(self, one: Found, directory: Places, name: str) -> None:
        try:
            one.places = self._redirects.directories(directory, name)
        except Refused as reason:
            one.broken = str(reason)


def _statuses(fd: int, names: list[str] | None) -> Iterator[tuple[str, os.stat_result]]:
    """Each name that is there, with its own lstat."""
    if names is None:
        with os.scandir(fd) as entries:
            for entry in entries:
                try:
                    yield entry.name, entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
        return
    for name in names:
        try:
            yield name, os.stat(name, dir_fd=fd, follow_symlinks=False)
        except OSError as error:
            if error.errno not in GONE:
                raise


def _hidden_by_name(fd: int, names: list[str]) -> list[str]:
    return [
        name.removeprefix(WHITEOUT_PREFIX)
        for name, _ in _statuses(fd, [WHITEOUT_PREFIX + name for name in names])
        if name != OPAQUE_NAME
    ]


def _read_link(fd: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=fd)
    except OSError as error:  # replaced meanwhile: EINVAL, or gone
        if not isinstance(error, FileNotFoundError) and error.errno != errno.EINVAL:
            raise
        return None


def below(place: Place, name: str) -> Place:
    """The place of `name` in the directory `place`."""
    return Place(place.layer, f"{place.path}/{name}" if place.path else name)
