"""Lookup where a layer says that what is below lies elsewhere: redirect and metacopy.

A renamed directory (redirect_dir=on) has its lower part under its old name; a file whose metadata
alone was copied up (metacopy=on) has its contents in a lower layer, perhaps under its old name.
This follows ovl_lookup(), step by step (fs/overlayfs/namei.c).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from nsview.kernel.syscalls import (
    RESOLVE_BENEATH,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    openat2,
)
from nsview.layers.entry import Place
from nsview.layers.layer_directory import GONE, LayerRoots, read_status
from nsview.layers.xattrs import Marks

#: A name from the overlay's root begins so (struct ovl_lookup_data.absolute_redirect).
_ROOT = "/"
_DATA = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS


class Refused(Exception):  # noqa: N818 - the kernel's answer, not a fault of ours
    """The kernel refuses to look this up; says why."""


@dataclass(slots=True)
class _Lookup:
    """struct ovl_lookup_data."""

    name: str
    """What to look for in the next layer: a name in the parent, or a path from the root."""
    is_directory: bool = False
    stop: bool = False
    metacopy: bool = False
    redirected: bool = False
    in_directory: bool = False
    """What was found last is one."""


class RedirectedLookup:
    """Finds all places of a name, by redirects too."""

    def __init__(
        self, roots: LayerRoots, marks: Marks, top: Sequence[Place], data: Sequence[int]
    ) -> None:
        self._roots = roots
        self._marks = marks
        self._top = top
        self._data = data
        self._lowest = top[-1].layer if top else -1
        self.follows = marks.follows_redirects

    def directories(self, parent: Sequence[Place], name: str) -> list[Place]:
        """Where the directory `name` of `parent` is merged from."""
        places, lookup = self._find(parent, name)
        if lookup.redirected and not self.follows:
            raise Refused("its redirect is not followed (redirect_dir)")
        return places

    def contents(self, parent: Sequence[Place], name: str) -> Place | None:
        """Where the contents of the file `name` are; None: where the file itself is."""
        places, lookup = self._find(parent, name)
        if len(places) < 2 and not lookup.metacopy:
            return None
        if not lookup.metacopy:
            if not self._marks.metacopy:
                raise Refused("its contents are in a lower layer (metacopy), which is off")
            if lookup.redirected and not self.follows:
                raise Refused("its redirect is not followed (redirect_dir)")
            return places[-1]
        if self._data and lookup.name.startswith(_ROOT):
            return self._data_only(lookup.name.removeprefix(_ROOT))
        raise Refused("no layer has its contents (metacopy)")

    def _find(self, parent: Sequence[Place], name: str) -> tuple[list[Place], _Lookup]:
        lookup = _Lookup(name)
        found: list[Place] = []
        sequence, position = list(parent), 0
        while position < len(sequence) and not lookup.stop:
            place = sequence[position]
            position += 1
            here = self._in_layer(place, lookup)
            if here is None:
                continue
            found.append(here)
            if lookup.name.startswith(_ROOT):
                sequence = [one for one in self._top if one.layer > place.layer]
                position = 0
        return found, lookup

    def _in_layer(self, place: Place, lookup: _Lookup) -> Place | None:
        """ovl_lookup_layer()."""
        if not lookup.name.startswith(_ROOT):
            return self._single(place, lookup, lookup.name, "", "")
        here: Place | None = Place(place.layer, "")
        # Counted from the end: a redirect on the way changes what is before, for lower layers.
        remaining = len(lookup.name) - len(_ROOT)
        lookup.in_directory = True
        while here is not None and lookup.in_directory:
            done = len(lookup.name) - remaining
            name, slash, post = lookup.name[done:].partition("/")
            here = self._single(here, lookup, name, lookup.name[:done], slash + post)
            if not slash:
                break
            remaining -= len(name) + len(slash)
        return here

    def _single(
        self, parent: Place, lookup: _Lookup, name: str, prefix: str, post: str
    ) -> Place | None:
        """ovl_lookup_single()."""
        if name in ("", ".", ".."):
            raise Refused("its redirect is invalid")
        with self._roots.directory(*parent) as fd:
            status = None if fd is None else read_status(fd, name)
            if fd is None or status is None:
                return None
            if self._marks.is_whiteout(fd, name, status):
                lookup.stop = True
                return None
            last = not post
            if last and lookup.metacopy and not stat.S_ISREG(status.st_mode):
                lookup.stop = True
                return None
            here = parent.below(name)
            lookup.in_directory = stat.S_ISDIR(status.st_mode)
            if not lookup.in_directory:
                if lookup.is_directory or not last:
                    lookup.stop = True
                    return None
                lookup.metacopy = self._marks.is_metacopy(fd, name, status)
                lookup.stop = not lookup.metacopy
                if lookup.stop:
                    return here
            else:
                lookup.is_directory = lookup.is_directory or last
                if parent.layer == self._lowest:  # nothing is left for which marks could matter
                    return here
                if self._marks.is_opaque(fd, name):
                    lookup.stop = True
                    return here
            self._note_redirect(lookup, self._marks.redirect(fd, name), prefix, post)
            return here

    def _note_redirect(self, lookup: _Lookup, redirect: str | None, prefix: str, post: str) -> None:
        """ovl_check_redirect()."""
        if redirect is None:
            return
        if redirect.startswith(_ROOT):
            if "//" in redirect or redirect.endswith("/"):
                raise Refused("its redirect is invalid")
            lookup.stop = False
            lookup.name = redirect + post
        else:
            if not redirect or "/" in redirect:
                raise Refused("its redirect is invalid")
            lookup.name = prefix + redirect + post
        lookup.redirected = True

    def _data_only(self, path: str) -> Place:
        """ovl_lookup_data_layers(): the first data-only layer with a regular file of that path."""
        for layer in self._data:
            with self._roots.directory(layer, "") as fd:
                if fd is not None and _is_regular(fd, path):
                    return Place(layer, path)
        raise Refused("no data layer has its contents (metacopy)")


def _is_regular(root: int, path: str) -> bool:
    try:
        fd = openat2(root, path, os.O_PATH, _DATA)
    except OSError as error:
        if error.errno in GONE or error.errno == errno.EXDEV:
            return False
        raise
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    finally:
        os.close(fd)
