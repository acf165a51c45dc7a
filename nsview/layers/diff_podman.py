"""The changes of a container as ``podman diff`` lists them, which is not what docker does.

containers/storage walks the writable layer and looks for each path in the image's layers, one by
one (pkg/archive/changes.go, changes_linux.go): a directory that was deleted and made again is D, a
directory whose time changed is C, and opaque directories of the image do not count.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from nsview.layers.diff import Changed, size_of
from nsview.layers.entry import Attributes, Change, attributes_of
from nsview.layers.layer_directory import LayerRoots, read_status
from nsview.layers.merge import MergedTree
from nsview.layers.paths import sort_key
from nsview.layers.walk import WalkedDirectory, walk_directories
from nsview.layers.xattrs import is_device_whiteout

#: What podman itself puts into every container, and leaves out (podman: libpod/diff.go).
PODMANS_OWN = frozenset(
    {
        "/dev",
        "/etc/hostname",
        "/etc/hosts",
        "/etc/mtab",
        "/etc/resolv.conf",
        "/proc",
        "/run",
        "/run/.containerenv",
        "/run/notify",
        "/run/podman-init",
        "/run/secrets",
        "/sys",
    }
)
_SECOND = 10**9


@dataclass(slots=True)
class _Below:
    """What the image's layers have under one name."""

    first: Attributes | None = None
    """The topmost that counts."""
    end: int = 0
    """The layer that has a whiteout there: it, and those below, do not count."""


@dataclass(slots=True)
class _Walk:
    changes: dict[str, Changed] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    """Directories of the upper layer that are listed for what they are."""
    ends: dict[str, int] = field(default_factory=dict)
    """For a directory: see `_Below.end`, of it and of those above."""


def diff_podman(tree: MergedTree) -> list[Changed]:
    """The changes in the topmost layer, as ``podman diff`` has them, sorted by path.

    podman follows the image's symbolic links on the host; here they are what they are, so a changed
    link is C also where podman says A because its target is not there.
    """
    walk = _Walk(ends={"": len(tree.stack.layers)})
    if tree.top and tree.top[0].layer == 0:
        with tree.roots.directory(0, "") as root:
            if root is not None:
                for directory in walk_directories(root):
                    _add_directory(tree, walk, directory)
    return sorted(
        (change for change in walk.changes.values() if change.path not in PODMANS_OWN),
        key=lambda change: sort_key(change.path),
    )


def _add_directory(tree: MergedTree, walk: _Walk, directory: WalkedDirectory) -> None:
    own = {}
    with os.scandir(directory.fd) as entries:
        for entry in entries:
            try:
                own[entry.name] = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
    end = walk.ends.pop(directory.path)
    below = _look_below(tree.roots, directory.path, list(own), end)
    prefix = f"{directory.path}/" if directory.path else ""
    for name, status in own.items():
        path, was = prefix + name, below[name]
        seen = attributes_of(status)
        if seen.type == "directory":
            directory.below.append(name)
            walk.ends[path] = was.end
        if tree.marks.is_whiteout(directory.fd, name, status):
            kind: Change | None = "D"
        elif was.first is None:
            kind = "A"
        elif seen.type == "directory" and tree.marks.is_opaque(directory.fd, name):
            kind = "D"
        else:
            kind = None if _same_directory(seen, was.first) else "C"
        if kind is not None:
            _add(walk, kind, f"/{path}", seen if kind != "D" else was.first)
            if seen.type == "directory":
                walk.listed.add(f"/{path}")


def _add(walk: _Walk, kind: Change, path: str, what: Attributes | None) -> None:
    walk.changes[path] = Changed(kind, path, None if what is None else size_of(what))
    parent = path.rpartition("/")[0]
    while kind != "C" and parent and parent not in walk.listed:
        walk.changes.setdefault(parent, Changed("C", parent, None))
        walk.listed.add(parent)
        parent = parent.rpartition("/")[0]


def _look_below(roots: LayerRoots, path: str, names: list[str], end: int) -> dict[str, _Below]:
    """What the image's layers above `end` have under these names in their directory `path`."""
    below = {name: _Below(end=end) for name in names}
    for layer in range(1, end):
        with roots.directory(layer, path) as fd:
            if fd is None:
                continue
            for name, one in below.items():
                status = read_status(fd, name) if layer < one.end else None
                if status is None:
                    continue
                if is_device_whiteout(status):
                    one.end = layer
                elif one.first is None:
                    one.first = attributes_of(status)
    return below


def _same_directory(one: Attributes, was: Attributes) -> bool:
    both = stat.S_ISDIR(one.mode) and stat.S_ISDIR(was.mode)
    same = (one.size, one.mode) == (was.size, was.mode)
    return both and same and _same_time(one.mtime_ns, was.mtime_ns)


def _same_time(one: int, other: int) -> bool:
    """Equal, or as close as rounding to seconds, up or down, may have made them."""
    if one == other:
        return True
    if one % _SECOND and other % _SECOND:
        return False
    seconds, others = one // _SECOND, other // _SECOND
    return (
        seconds == others
        or (other % _SECOND == 0 and seconds == others - 1)
        or (one % _SECOND == 0 and seconds - 1 == others)
    )
