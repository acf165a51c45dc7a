"""The merged view of a stack of layers: what a process in the container sees, read from outside.

Nothing is mounted and nothing cached: each call reads the layers' directories that it needs.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from typing import Final

from nsview.layers.entry import Change, Entry, Place, attributes_of
from nsview.layers.layer_directory import LayerRoots
from nsview.layers.paths import join_path, split_path
from nsview.layers.redirects import Refused
from nsview.layers.stack import Stack
from nsview.layers.union import Found, Places, Union
from nsview.layers.xattrs import Marks, may_see_trusted

#: As the kernel's own (path_resolution(7)): more links than that are a loop.
_MOST_LINKS: Final = 40

Entries = list[Entry]
_Names = list[str]
_Trail = list[Places | None]


class MergedTree:
    """A stack of layers as one tree. Use it in a ``with`` block, or close it.

    Paths are from the root, as a process inside would write them; no link in them is followed but
    by `resolve`. Raises OSError for what cannot be read, PermissionError among it.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.marks = Marks(stack.rules)
        self.roots = LayerRoots(stack.layers)
        every: Places = tuple(
            Place(index, "")
            for index, layer in enumerate(stack.layers)
            if layer.role != "data" and layer.path is not None
        )
        data = [index for index, layer in enumerate(stack.layers) if layer.role == "data"]
        self.union = Union(self.roots, self.marks, every, data)
        self.top = every
        """The places of the root directory."""
        self._unions = {0: self.union}
        self._data = data

    def __enter__(self) -> MergedTree:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the layers' directories."""
        self.roots.close()

    @property
    def partial(self) -> tuple[str, ...]:
        """Why the view may lack something."""
        reasons = [
            f"layer {layer.index} ({layer.shown_as}) was not found: what it holds is missing here"
            for layer in self.stack.layers
            if layer.path is None
        ]
        rules = self.stack.rules
        trusted = rules.form == "overlay" and rules.xattr_prefix == "trusted.overlay."
        if trusted and len(self.stack.layers) > 1 and not may_see_trusted():
            reasons.append("opaque and renamed directories are not known as such without root")
        return tuple(reasons)

    def lookup(self, path: str) -> Entry | None:
        """What is at `path`; None when nothing is, or it is hidden. ``/`` is the entry "/"."""
        names = split_path(path)
        if not names:
            return self._root_entry()
        places = self.directory(join_path(names[:-1]))
        if places is None:
            return None
        entries = self._entries(names[:-1], places, (names[-1],))
        return entries[0] if entries else None

    def names(self, path: str, layer: int | None = None) -> set[str]:
        """What any layer, or that one alone, says anything about in the directory `path`."""
        places = self.directory(path) if layer is None else (_own_place(path, layer),)
        return self.union.names(places or ())

    def list(self, path: str, wanted: Iterable[str] | None = None) -> Entries | None:
        """What is in the directory `path`, or those `wanted` of it, by name; None: no directory."""
        names = split_path(path)
        places = self.directory(join_path(names))
        return None if places is None else self._entries(names, places, wanted)

    def list_layer(
        self, path: str, index: int, wanted: Iterable[str] | None = None
    ) -> Entries | None:
        """What one layer has in its directory `path`, whiteouts included; None: no directory.

        `Entry.change` is against the layers below that one; D is a whiteout that hides something.
        """
        names = split_path(path)
        own = _own_place(path, index)
        with self.roots.directory(*own) as fd:
            if fd is None:
                return None
            found = Union(self.roots, self.marks, (), ()).children((own,), wanted)
            opaque = {
                name
                for name, one in found.items()
                if one.attributes.type == "directory" and self.marks.is_opaque(fd, name)
            }
        below = self._below(names, index + 1, found)
        entries = []
        for name in sorted(found, key=os.fsencode):
            one = found.pop(name)
            change: Change | None = "C" if name in below else "A"
            if one.whiteout:
                change = "D" if name in below else None
            entries.append(_entry(one, change, opaque=name in opaque))
        return entries

    def resolve(self, path: str, *, follow_last: bool = True) -> str:
        """`path` with its symbolic links followed, as a process inside would.

        Where something is missing the rest is kept as it is. Raises OSError (ELOOP).
        """
        rest = _names_reversed(path)
        done: _Names = []
        places: _Trail = [self.top]
        links = 0
        while rest:
            name = rest.pop()
            if name == "..":
                del done[-1:]
                del places[max(1, len(places) - 1) :]
                continue
            here = places[-1]
            found = self.union.child(here, name) if here else None
            if found is not None and found.link is not None and (rest or follow_last):
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                if found.link.startswith("/"):
                    done, places = [], [self.top]
                rest += _names_reversed(found.link)
                continue
            done.append(name)
            places.append(_directory_places(found))
        return join_path(done)

    def open_file(self, path: str) -> int:
        """Open the contents of a regular file for reading; the caller closes the descriptor.

        Raises OSError: ENOENT, EISDIR, ELOOP for a symbolic link, ENXIO for other things that are
        no files, EIO where no layer has the contents.
        """
        names = split_path(path)
        places = self.directory(join_path(names[:-1])) if names else None
        found = self.union.child(places, names[-1]) if places else None
        if found is None:
            raise _os_error(errno.EISDIR if not names else errno.ENOENT, path)
        kind = found.attributes.type
        if kind != "file":
            wrong = {"directory": errno.EISDIR, "symlink": errno.ELOOP}
            raise _os_error(wrong.get(kind, errno.ENXIO), path)
        assert places is not None
        try:
            place = self.union.contents(places, names[-1]) or found.places[0]
        except Refused as reason:
            raise OSError(errno.EIO, str(reason), path) from None
        file = self.roots.open_regular(*place)
        if file is None:  # replaced meanwhile
            raise _os_error(errno.ENXIO, path)
        return file

    def directory(self, path: str, top: int = 0) -> Places | None:
        """Where the directory `path` is merged from, of the layers from `top` on; None: no such."""
        union = self.union_below(top)
        places: Places | None = union.top
        for name in split_path(path):
            places = _directory_places(union.child(places, name)) if places else None
        return places or None

    def union_below(self, top: int) -> Union:
        """The union of the layers from `top` on, as it would be without those above."""
        if top not in self._unions:
            rest = tuple(place for place in self.top if place.layer >= top)
            self._unions[top] = Union(self.roots, self.marks, rest, self._data)
        return self._unions[top]

    def _entries(self, names: _Names, places: Places, wanted: Iterable[str] | None) -> Entries:
        visible = self.union.visible(places, wanted)
        lower = self.directory(join_path(names), 1) or ()
        touched = visible
        if places == lower:  # the top layer has no part in it
            touched = {}
        elif places[1:] == lower:  # then only what the top layer has can differ
            touched = {name: one for name, one in visible.items() if one.layers[0] == 0}
        below = self._below(names, 1, touched)
        entries = []
        for name in sorted(visible, key=os.fsencode):
            one = visible[name]
            entries.append(_entry(one, _change(one, below.get(name)) if name in touched else None))
            del visible[name]  # then the garbage collector has half as much to look through
        return entries

    def _below(self, names: _Names, top: int, wanted: Iterable[str]) -> dict[str, Found]:
        """Those of the wanted names that are visible in the layers from `top` on."""
        union = self.union_below(top)
        places = self.directory(join_path(names), top) if wanted and union.top else None
        return union.visible(places, wanted) if places else {}

    def _root_entry(self) -> Entry | None:
        for place in self.top:
            with self.roots.directory(*place) as fd:
                if fd is not None:
                    root = Found("/", attributes_of(os.fstat(fd)), (), elsewhere=self.top)
                    return _entry(root)
        return None


def _entry(one: Found, change: Change | None = None, *, opaque: bool = False) -> Entry:
    mode, size, uid, gid, mtime_ns, rdev, _, _, _ = one.attributes
    kind, layers = one.attributes.type, one.layers
    if one.whiteout:
        kind, size, rdev = "whiteout", 0, 0
    # By position, in half of the time that keywords take: a directory may have a million.
    return Entry(
        one.name, kind, size, stat.S_IMODE(mode), uid, gid, mtime_ns, layers[0],
        rdev, one.link, layers, one.hidden, change, opaque, one.broken,
    )  # fmt: skip


def _change(one: Found, below: Found | None) -> Change | None:
    if below is None:
        return "A"
    return "C" if one.places[0] != below.places[0] else None


def _directory_places(found: Found | None) -> Places | None:
    if found is None or found.attributes.type != "directory" or found.broken:
        return None
    return found.places


def _own_place(path: str, layer: int) -> Place:
    return Place(layer, "/".join(split_path(path)))


def _names_reversed(path: str) -> list[str]:
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _os_error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
