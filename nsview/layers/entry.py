"""What one name in a directory of a stack is."""

from __future__ import annotations

import os
import stat
from typing import Final, Literal

from nsview.named_tuple import NamedTuple

FileType = Literal[
    "file", "directory", "symlink", "fifo", "socket", "character", "block", "whiteout"
]
Change = Literal["A", "C", "D"]
"""Added, changed, deleted."""

_TYPES: Final[dict[int, FileType]] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
}


class Place(NamedTuple):
    """A file or directory in one layer."""

    layer: int
    """Index in the stack; 0 is the topmost."""
    path: str
    """From the layer's root, without a leading slash; "" is the root. A renamed directory's lower
    part is at another path than its upper one."""

    def below(self, name: str) -> Place:
        """The place of `name` in this directory."""
        return Place(self.layer, f"{self.path}/{name}" if self.path else name)

    def split(self) -> tuple[Place, str]:
        """The directory that it is in, and its name there."""
        path, _, name = self.path.rpartition("/")
        return Place(self.layer, path), name


class Attributes(NamedTuple):
    """What stat(2) says; smaller than os.stat_result, for directories of a million files."""

    mode: int
    size: int
    uid: int
    gid: int
    mtime_ns: int
    rdev: int
    device: int
    inode: int
    links: int

    @property
    def type(self) -> FileType:
        """The type in words."""
        return _TYPES.get(stat.S_IFMT(self.mode), "file")


def attributes_of(status: os.stat_result) -> Attributes:
    """Take over what we need."""
    return Attributes(
        status.st_mode,
        status.st_size,
        status.st_uid,
        status.st_gid,
        status.st_mtime_ns,
        status.st_rdev,
        status.st_dev,
        status.st_ino,
        status.st_nlink,
    )


class Entry(NamedTuple):
    """A name in the merged view, or in one layer's directory."""

    name: str
    type: FileType
    size: int
    mode: int
    """Permission bits with set-user-id, set-group-id and sticky; the type is in `type`."""
    uid: int
    gid: int
    """As they are on disk."""
    mtime_ns: int
    layer: int
    """The layer that provides it; of a merged directory the topmost, which gives its attributes."""
    rdev: int = 0
    link: str | None = None
    """Where a symbolic link points, as it says."""
    layers: tuple[int, ...] = ()
    """All layers that a directory is merged from, `layer` first; of a file, `layer` alone."""
    hidden: tuple[int, ...] = ()
    """Layers below, in the same directory, that have this name too, and nobody can see it."""
    change: Change | None = None
    """Against the layers below the topmost: None is unchanged."""
    opaque: bool = False
    """In one layer's view: a directory that hides those of lower layers."""
    broken: str | None = None
    """Why the kernel refuses to look it up, although it lists it."""
