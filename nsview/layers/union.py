"""The union of directories, one directory at a time, as the kernel's overlay makes it.

Top down, the first layer that has a name decides what it is. Directories merge with those below
until one of them is opaque, or something else is in the way. fs/overlayfs/{namei,readdir}.c.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from nsview.layers.entry import Attributes, Place, attributes_of
from nsview.layers.layer_directory import LayerRoots, read_status
from nsview.layers.redirects import RedirectedLookup, Refused
from nsview.layers.xattrs import OPAQUE_NAME, WHITEOUT_PREFIX, Marks

Places = tuple[Place, ...]


@dataclass(slots=True)
class Found:
    """What a name is in a merged directory: there may be a million, so few objects for each."""

    name: str
    attributes: Attributes
    parents: Places
    """The layers' directories that it is in, as far as `places` go."""
    elsewhere: Places | None = None
    """Its places where a redirect names them."""
    link: str | None = None
    whiteout: bool = False
    """There is no such name: a layer hides what those below have."""
    open: bool = False
    """A directory that goes on to merge with those of lower layers."""
    redirected: bool = False
    hidden: tuple[int, ...] = ()
    """Layers that have the name too, below those that are seen."""
    closed_by: int = -1
    """The layer from which on those below are hidden."""
    closed_how: Literal["replaced", "deleted", "opaque"] = "replaced"
    broken: str | None = None

    @property
    def places(self) -> Places:
        """Where it is, topmost first: one place of a file, all that merge of a directory."""
        if self.elsewhere is not None:
            return self.elsewhere
        return tuple([parent.below(self.name) for parent in self.parents])

    @property
    def layers(self) -> tuple[int, ...]:
        """Those of the places."""
        places = self.parents if self.elsewhere is None else self.elsewhere
        return tuple([place.layer for place in places])


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
        for place in directory if wanted != [] else ():
            with self.roots.directory(*place) as fd:
                if fd is not None:
                    self._add_layer(found, fd, place, wanted, last=place is directory[-1])
        for one in found.values():
            if one.redirected:
                self._follow(one, directory)
        return found

    def names(self, directory: Places) -> set[str]:
        """What layers say anything about there, be it that it is deleted: little work for each."""
        names: set[str] = set()
        for place in directory:
            with self.roots.directory(*place) as fd:
                names.update(os.listdir(fd) if fd is not None else ())
        if self.marks.by_name:
            return {name.removeprefix(WHITEOUT_PREFIX) for name in names}
        return names

    def visible(self, directory: Places, names: Iterable[str] | None = None) -> dict[str, Found]:
        """Those of `children` that a process sees."""
        found = self.children(directory, names)
        for name in [name for name, one in found.items() if one.whiteout]:
            del found[name]
        return found

    def child(self, directory: Places, name: str) -> Found | None:
        """One name; None when it is not there or is hidden."""
        return self.visible(directory, (name,)).get(name)

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
        here = (place,)
        for name, status in _statuses(fd, names):
            if by_name and name.startswith(WHITEOUT_PREFIX):
                hides.add(name.removeprefix(WHITEOUT_PREFIX))
                continue
            one = found.get(name)
            if one is None:
                one = found[name] = Found(name, attributes_of(status), here, closed_by=place.layer)
                if not (status.st_size and stat.S_ISREG(status.st_mode)):  # such is no mark
                    self._look_closer(one, fd, status, place, last=last)
            elif one.open:
                self._merge(one, fd, status, place, last=last)
            elif not self.marks.is_whiteout(fd, name, status):
                one.hidden += (place.layer,)
        if by_name:
            if names is not None:
                hides.update(_hidden_by_name(fd, names))
            self._hide(found, hides, fd, here)

    def _look_closer(
        self, one: Found, fd: int, status: os.stat_result, place: Place, *, last: bool
    ) -> None:
        if stat.S_ISLNK(status.st_mode):
            one.link = _read_link(fd, one.name)
        elif stat.S_ISDIR(status.st_mode):
            self._go_on(one, fd, place, last=last)
        else:
            one.whiteout = self.marks.is_whiteout(fd, one.name, status)

    def _merge(
        self, one: Found, fd: int, status: os.stat_result, place: Place, *, last: bool
    ) -> None:
        if stat.S_ISDIR(status.st_mode):
            one.parents += (place,)
            self._go_on(one, fd, place, last=last)
        else:
            one.open = False
            if self.marks.is_whiteout(fd, one.name, status):
                one.closed_by, one.closed_how = place.layer, "deleted"
            else:
                one.hidden += (place.layer,)

    def _go_on(self, one: Found, fd: int, place: Place, *, last: bool) -> None:
        # The kernel does not look for marks where no layer is left (ovl_lookup_data.last).
        one.closed_by = place.layer
        one.open = not (place.layer == self._lowest or self.marks.is_opaque(fd, one.name))
        if not one.open:
            one.closed_how = "opaque"
        if one.open and not (last and not self._redirects.follows):
            one.redirected = self.marks.redirect(fd, one.name) is not None
            one.open = not one.redirected

    def _hide(self, found: dict[str, Found], hides: set[str], fd: int, here: Places) -> None:
        """Apply a layer's ``.wh.`` names: they hide what is below, not what is beside them."""
        for name in hides:
            one = found.get(name)
            if one is not None and one.open:
                one.open, one.closed_how = False, "deleted"
            elif one is not None:
                continue
            elif not name.startswith(WHITEOUT_PREFIX):  # .wh..wh.plnk and so on: aufs's own
                seen = attributes_of(os.fstat(fd))
                found[name] = Found(name, seen, here, whiteout=True, closed_by=here[0].layer)

    def _follow(self, one: Found, directory: Places) -> None:
        try:
            one.elsewhere = tuple(self._redirects.directories(directory, one.name))
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
        status = read_status(fd, name)
        if status is not None:
            yield name, status


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
