"""A layer, or a part of a merged tree, as a tar archive: streamed, in memory that does not grow.

opencontainers/image-spec: layer.md. ``.wh.NAME`` deletes NAME of lower layers. Times are whole
seconds; the marks of overlays stay behind; of attributes a file's capabilities alone are kept, as
docker does (moby/go-archive: archive.go).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nsview.kernel.idmap import IdRange, to_inside
from nsview.layers import tar_format
from nsview.layers.contents import CHUNK, Contents, Opened, same_content
from nsview.layers.entry import Attributes, FileType, attributes_of
from nsview.layers.layer_walk import Findings, Item, LayerWalk, without_marks
from nsview.layers.merge import MergedTree
from nsview.layers.output_file import Digested
from nsview.layers.tar_format import Member, encode_header, padding
from nsview.layers.xattrs import WHITEOUT_PREFIX

SOCKETS: Final = "sockets are left out"
GONE: Final = "vanished meanwhile"
CHANGED: Final = "changed all the while it was read"

_CAPABILITY: Final = b"SCHILY.xattr.security.capability"
_WHITEOUT_MODE: Final = 0o600
_PERMISSIONS: Final = 0o7777
#: How often a file is read that changes while it is.
_ATTEMPTS: Final = 3
_SECOND: Final = 1_000_000_000
#: struct vfs_ns_cap_data (linux/capability.h): version 3 is version 2 and a user namespace's root.
_VERSION_2, _VERSION_3 = 0x02000000, 0x03000000
_VERSION_MASK: Final = 0xFF000000
_VERSION_2_SIZE: Final = 20
_TYPES: Final[dict[FileType, bytes]] = {
    "directory": tar_format.DIRECTORY,
    "symlink": tar_format.SYMLINK,
    "fifo": tar_format.FIFO,
    "character": tar_format.CHARACTER,
    "block": tar_format.BLOCK_DEVICE,
}

Progress = Callable[[str, int], None]
"""Told the path that was written and its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Whose ids to write: those on disk, or as they are inside a user namespace."""

    uids: Sequence[IdRange] = ()
    gids: Sequence[IdRange] = ()

    def inside(self, uid: int, gid: int) -> tuple[int, int]:
        """Ids that are not mapped stay: the file system may be mounted with mapped ids."""
        mapped = to_inside(self.uids, uid), to_inside(self.gids, gid)
        return uid if mapped[0] is None else mapped[0], gid if mapped[1] is None else mapped[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class TarOptions:
    """How to write."""

    owners: Owners = Owners()
    latest: int | None = None
    """No time after this one, in Unix seconds (SOURCE_DATE_EPOCH)."""
    progress: Progress = lambda _path, _size: None


class TarWriter:
    """Writes items of one tree; names may be given another beginning."""

    def __init__(
        self,
        contents: Contents,
        out: Digested,
        findings: Findings,
        options: TarOptions,
        rename: Callable[[str], str] = str,
    ) -> None:
        self._contents = contents
        self._out = out
        self._findings = findings
        self._options = options
        self._rename = rename
        self._links: dict[tuple[int, int], bytes] = {}

    def write(self, item: Item) -> None:
        """Append one item."""
        seen = item.found.attributes
        if item.whiteout:
            folder, slash, name = item.path.rpartition("/")
            name = f"{folder}{slash}{WHITEOUT_PREFIX}{name}"
            # Its time says nothing; 0 keeps archives of equal layers equal.
            self._write(Member(name=os.fsencode(self._rename(name)), mode=_WHITEOUT_MODE))
            return
        if seen.type == "socket":
            self._findings.add(SOCKETS, item.path)
        elif not self._write_link(item):
            write = self._write_file if seen.type == "file" else self._write_special
            write(item)
        self._options.progress(item.path, self._out.size)

    def root(self, seen: Attributes) -> None:
        """Append the root directory."""
        self._write(self._member(".", seen, tar_format.DIRECTORY))

    def end(self) -> None:
        """Append what ends an archive."""
        self._out.write(tar_format.END)

    def _write(self, member: Member) -> None:
        self._out.write(encode_header(member))

    def _name(self, path: str) -> bytes:
        return os.fsencode(self._rename(path))

    def _write_link(self, item: Item) -> bool:
        """Append another name of a file that is in the archive."""
        seen = item.found.attributes
        first = self._links.get((seen.device, seen.inode)) if seen.links > 1 else None
        if first is None or seen.type == "directory":
            return False
        member = self._member(item.path, seen, tar_format.LINK, link=first)
        self._write(member)
        return True

    def _remember(self, path: str, seen: Attributes) -> None:
        if seen.links > 1 and seen.type != "directory":
            self._links[seen.device, seen.inode] = self._name(path)

    def _write_special(self, item: Item) -> None:
        seen = item.found.attributes
        link = item.found.link
        if seen.type == "symlink" and link is None:
            self._findings.add(GONE, item.path)
            return
        target = b"" if link is None else os.fsencode(link)
        self._write(self._member(item.path, seen, _TYPES[seen.type], link=target))
        self._remember(item.path, seen)

    def _write_file(self, item: Item) -> None:
        with self._contents.open(item) as opened:
            if opened is None:
                self._findings.add(GONE, item.path)
                return
            self._copy(item.path, opened)
            self._remember(item.path, attributes_of(opened.status))

    def _copy(self, path: str, opened: Opened) -> None:
        """Header and content; both once more when the file changed meanwhile."""
        start = self._out.mark()
        for attempt in range(_ATTEMPTS):
            before = os.fstat(opened.fd)
            # With metacopy only the contents are of the lower file; its size is the same.
            seen = attributes_of(opened.status)._replace(size=before.st_size)
            self._write(self._member(path, seen, tar_format.FILE, capability=opened.capability))
            short = before.st_size - self._copy_content(path, opened.fd, before.st_size)
            if not short and same_content(before, os.fstat(opened.fd)):
                return
            if not self._out.can_go_back or attempt + 1 == _ATTEMPTS:
                self._fill(short, before.st_size)
                break
            self._out.go_back(start)
        self._findings.add(CHANGED, path)

    def _copy_content(self, path: str, fd: int, size: int) -> int:
        """Exactly `size` bytes and what fills the block, or all there are; returns how many."""
        done = 0
        while done < size:
            chunk = os.pread(fd, min(CHUNK, size - done), done)
            if not chunk:
                return done
            self._out.write(chunk)
            done += len(chunk)
            self._options.progress(path, self._out.size)
        self._out.write(padding(size))
        return done

    def _fill(self, short: int, size: int) -> None:
        """Give a file that shrank the size that its header says: all after it is in its place."""
        for length in range(short, 0, -CHUNK):
            self._out.write(bytes(min(length, CHUNK)))
        if short:
            self._out.write(padding(size))

    def _member(
        self,
        path: str,
        seen: Attributes,
        kind: bytes,
        *,
        link: bytes = b"",
        capability: bytes | None = None,
    ) -> Member:
        uid, gid = self._options.owners.inside(seen.uid, seen.gid)
        mtime = seen.mtime_ns // _SECOND
        latest = self._options.latest
        is_device = kind in (tar_format.CHARACTER, tar_format.BLOCK_DEVICE)
        return Member(
            name=self._name(path),
            type=kind,
            mode=seen.mode & _PERMISSIONS,
            uid=uid,
            gid=gid,
            size=seen.size if kind == tar_format.FILE else 0,
            mtime=mtime if latest is None else min(mtime, latest),
            link=link,
            major=os.major(seen.rdev) if is_device else 0,
            minor=os.minor(seen.rdev) if is_device else 0,
            records={} if capability is None else {_CAPABILITY: plain_capability(capability)},
        )


def plain_capability(value: bytes) -> bytes:
    """The attribute without the user namespace that it was set in, which is nobody's elsewhere."""
    if len(value) <= _VERSION_2_SIZE:
        return value
    (magic,) = struct.unpack_from("<I", value)
    if magic & _VERSION_MASK != _VERSION_3:
        return value
    return struct.pack("<I", _VERSION_2 | magic & ~_VERSION_MASK) + value[4:_VERSION_2_SIZE]


def write_layer(
    tree: MergedTree,
    out: Digested,
    findings: Findings,
    options: TarOptions,
    *,
    top: int = 0,
    base: int = 1,
) -> None:
    """Write what the layer `top` changes against the layers from `base` on.

    With `base` = `layer_walk.NOTHING_BELOW`, everything that is visible from `top` on.
    """
    walk = LayerWalk(tree, findings, top=top, base=base)
    with Contents(tree, top) as contents:
        writer = TarWriter(contents, out, findings, options)
        own, below = root_attributes(tree, top), root_attributes(tree, base)
        if own is not None and (below is None or _owner_and_mode(own) != _owner_and_mode(below)):
            writer.root(own)
        for item in without_marks(walk.changes(), findings):
            writer.write(item)
        writer.end()


def root_attributes(tree: MergedTree, top: int) -> Attributes | None:
    """What the root directory is, as it is visible from the layer `top` on."""
    for place in tree.union_below(top).top:
        with tree.roots.directory(*place) as fd:
            if fd is not None:
                return attributes_of(os.fstat(fd))
    return None


def _owner_and_mode(seen: Attributes) -> tuple[int, int, int]:
    return seen.mode, seen.uid, seen.gid
