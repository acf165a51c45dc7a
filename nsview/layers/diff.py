"""What differs between two trees, or between a container and its image: A, C and D.

Only what the layers that both have in common cannot tell is read, a directory at a time: for a
container that is its writable layer.

What counts as changed is docker's: moby/go-archive, changes.go and changes_linux.go. A file counts
as the same when type, mode, owner, device, size, modification time and capabilities are; of a
directory, size and time do not count, as every change within alters them.
"""

from __future__ import annotations

import os
import stat

from nsview.layers.entry import Attributes, Change, Place
from nsview.layers.merge import MergedTree
from nsview.layers.paths import sort_key
from nsview.layers.union import Found, Places, Union
from nsview.layers.xattrs import CAPABILITY, read_xattr
from nsview.named_tuple import NamedTuple

_SECOND = 10**9


class Changed(NamedTuple):
    """One line of a diff."""

    kind: Change
    path: str
    size: int | None
    """Bytes of the regular file that is there now, or that was deleted; None for all else."""


def diff_docker(tree: MergedTree) -> list[Changed]:
    """The changes in the topmost layer, as ``docker diff`` has them, sorted by path.

    A directory with changes in it is C; of a deleted one only the top is listed, of an added one
    everything.
    """
    return _Comparison(_Side(tree, 0), _Side(tree, 1)).changes()


def compare(tree: MergedTree, other: MergedTree) -> list[Changed]:
    """What would have to be changed in `other` to get `tree`, by the same rules."""
    return _Comparison(_Side(tree, 0), _Side(other, 0)).changes()


class _Side:
    """One of two trees: a stack, or what of it is below a layer."""

    def __init__(self, tree: MergedTree, top: int) -> None:
        self.roots = tree.roots
        self.union: Union = tree.union_below(top)
        self.engines_own = {layer.index for layer in tree.stack.layers if layer.role == "init"}
        """docker's empty files for what it mounts over: each container has its own, same, ones."""
        self._identities: dict[int, tuple[int, int]] = {}

    def identity(self, place: Place) -> tuple[tuple[int, int], str]:
        """The same for the same directory of the same layer in both trees."""
        layer = place.layer
        if layer not in self._identities:
            with self.roots.directory(layer, "") as fd:
                status = None if fd is None else os.fstat(fd)
            missing = (-1, id(self) + layer)
            self._identities[layer] = (status.st_dev, status.st_ino) if status else missing
        return self._identities[layer], place.path

    def capability(self, place: Place) -> bytes | None:
        """security.capability of a file."""
        parent, name = place.split()
        with self.roots.directory(*parent) as fd:
            return None if fd is None else read_xattr(fd, name, CAPABILITY)


class _Comparison:
    def __init__(self, new: _Side, old: _Side) -> None:
        self._new = new
        self._old = old
        self._changes: dict[str, Changed] = {}
        self._todo: list[tuple[str, Places, Places]] = []

    def changes(self) -> list[Changed]:
        self._todo.append(("", self._new.union.top, self._old.union.top))
        while self._todo:
            path, new, old = self._todo.pop()
            self._compare_directory(path, new, old)
        self._add_parents()
        return sorted(self._changes.values(), key=lambda change: sort_key(change.path))

    def _compare_directory(self, path: str, new: Places, old: Places) -> None:
        names = self._names_that_may_differ(new, old)
        after = self._new.union.visible(new, names)
        before = self._old.union.visible(old, names)
        for name, one in after.items():
            self._compare(f"{path}/{name}", one, before.get(name))
        for name, was in before.items():
            if name not in after:
                self._add("D", f"{path}/{name}", was.attributes)

    def _names_that_may_differ(self, new: Places, old: Places) -> set[str]:
        # The lowest layers of both give the same where nothing above has a say.
        common = 0
        while common < min(len(new), len(old)) and self._new.identity(
            new[-1 - common]
        ) == self._old.identity(old[-1 - common]):
            common += 1
        names = self._new.union.names(new[: len(new) - common])
        return names | self._old.union.names(old[: len(old) - common])

    def _compare(self, path: str, one: Found, was: Found | None) -> None:
        is_directory = one.attributes.type == "directory"
        if was is None:
            self._add("A", path, one.attributes)
        elif self._differ(one, was):
            self._add("C", path, one.attributes)
        if is_directory and not one.broken:
            below = was is not None and was.attributes.type == "directory"
            old = was.places if was is not None and below else ()
            self._todo.append((path, one.places, old))

    def _differ(self, one: Found, was: Found) -> bool:
        place, old = one.places[0], was.places[0]
        if self._new.identity(place) == self._old.identity(old):
            return False
        if place.layer in self._new.engines_own and old.layer in self._old.engines_own:
            return False
        if attributes_differ(one.attributes, was.attributes) or one.link != was.link:
            return True
        if not stat.S_ISREG(one.attributes.mode):
            return False
        return self._new.capability(place) != self._old.capability(old)

    def _add(self, kind: Change, path: str, what: Attributes) -> None:
        self._changes[path] = Changed(kind, path, size_of(what))

    def _add_parents(self) -> None:
        for path in list(self._changes):
            parent = path.rpartition("/")[0]
            while parent and parent not in self._changes:
                self._changes[parent] = Changed("C", parent, None)
                parent = parent.rpartition("/")[0]


def attributes_differ(one: Attributes, was: Attributes) -> bool:
    """Docker's word on whether two files differ, but for capabilities."""
    if (one.mode, one.uid, one.gid, one.rdev) != (was.mode, was.uid, was.gid, was.rdev):
        return True
    if stat.S_ISDIR(one.mode):
        return False
    return one.size != was.size or not _same_time(one.mtime_ns, was.mtime_ns)


def size_of(what: Attributes) -> int | None:
    """The size, where it is one of contents."""
    return what.size if stat.S_ISREG(what.mode) else None


def _same_time(one: int, other: int) -> bool:
    # Archives keep whole seconds: such a time equals every other one in its second.
    if one == other:
        return True
    rounded = one % _SECOND == 0 or other % _SECOND == 0
    return rounded and one // _SECOND == other // _SECOND
