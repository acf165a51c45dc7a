"""Files of a stack, written to a directory of ours.

Everything is made below one new directory that only we may enter, by descriptors, and gets its
place when it is whole. Names and links are the container's, and none of them is ever followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from nsview.errors import NsviewError
from nsview.layers.contents import CHUNK, Contents, Opened, same_content
from nsview.layers.entry import Attributes, attributes_of
from nsview.layers.layer_directory import open_directory
from nsview.layers.layer_tar import CHANGED, GONE, SOCKETS, Owners, Progress, root_attributes
from nsview.layers.layer_walk import Findings, Item
from nsview.layers.merge import MergedTree
from nsview.layers.output_file import check_target, move, temporary_name, writing
from nsview.layers.tree_tar import tree_items
from nsview.layers.xattrs import CAPABILITY

DEVICES: Final = "devices are left out (an archive, DEST -, has them)"
CAPABILITIES: Final = "capabilities of files could not be kept"
#: A file system without such attributes, or a caller without CAP_SETFCAP.
_NO_CAPABILITIES: Final = frozenset({errno.EOPNOTSUPP, errno.EPERM})
_PRIVATE: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_PERMISSIONS: Final = 0o7777
#: Without set-user-id and set-group-id: in somebody else's hands they would mean something else.
_HARMLESS: Final = 0o1777
_ATTEMPTS: Final = 3
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ZEROS: Final = bytes(CHUNK)
_OTHER: Final = frozenset({"character", "block"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOptions:
    """How to write."""

    keep_owners: bool
    """Else all belongs to the caller, and what a file may do as its owner is dropped."""
    owners: Owners
    progress: Progress = lambda _path, _size: None


@contextlib.contextmanager
def new_place(target: str, *, force: bool) -> Iterator[str]:
    """A directory beside `target`; what is in it as `target`'s last name moves there at the end."""
    check_target(target, force=force)
    whole = os.path.abspath(target)
    folder = temporary_name(os.path.dirname(whole))
    with writing(target):
        os.mkdir(folder, _PRIVATE)
    try:
        yield folder
        with writing(target):
            move(os.path.join(folder, os.path.basename(whole)), whole, force=force)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take_out(
    tree: MergedTree,
    item: Item | None,
    target: str,
    findings: Findings,
    options: ExtractOptions,
    *,
    force: bool = False,
) -> None:
    """Copy an item, None for the root, and all below it to the new place `target`."""
    with new_place(target, force=force) as folder, Contents(tree) as contents:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            start = item.path if item is not None else ""
            extractor = Extractor(contents, fd, findings, options, start=start, target=target)
            extractor.extract(tree_items(tree, item, findings), root_attributes(tree, 0))
        finally:
            os.close(fd)


class Extractor:
    """Writes items below a directory; the first one, at `start`, is what will be `target`."""

    def __init__(
        self,
        contents: Contents,
        folder: int,
        findings: Findings,
        options: ExtractOptions,
        *,
        start: str,
        target: str,
    ) -> None:
        self._contents = contents
        self._folder = folder
        self._findings = findings
        self._options = options
        self._start = start
        self._target = target
        self._name = os.path.basename(os.path.abspath(target))
        self._links: dict[tuple[int, int], str] = {}
        self._parent: tuple[str, int] | None = None
        self._pending: list[tuple[str, Attributes]] = []
        self._size = 0

    def extract(self, items: Iterable[Item | None], root: Attributes | None) -> None:
        """Write them all. None among the items stands for the root directory."""
        try:
            for item in items:
                path = self._place(item.path if item is not None else "")
                with writing(self._target):  # reading has errors of its own
                    self._finish(path)
                    if item is not None:
                        self._write(item, path)
                    elif root is not None:
                        self._directory(path, root)
                self._options.progress(path, self._size)
            with writing(self._target):
                self._finish("")
        finally:
            self._close_parent()

    def _place(self, path: str) -> str:
        if not self._start:
            return f"{self._name}/{path}" if path else self._name
        return self._name + path[len(self._start) :]

    def _write(self, item: Item, path: str) -> None:
        seen = item.found.attributes
        if seen.type == "directory":
            self._directory(path, seen)
        elif seen.type == "socket":
            self._findings.add(SOCKETS, item.path)
        elif seen.type in _OTHER:
            self._findings.add(DEVICES, item.path)
        elif self._link(path, seen):
            return
        elif seen.type == "file":
            self._file(item, path)
        else:
            self._special(item, path, seen)

    def _directory(self, path: str, seen: Attributes) -> None:
        parent, name = self._open_parent(path)
        os.mkdir(name, _PRIVATE, dir_fd=parent)
        # Mode and time come last: writing into it needs the one and changes the other.
        self._pending.append((path, seen))

    def _finish(self, path: str) -> None:
        """Give directories that `path` is not in what they are to have at the end."""
        while self._pending and not path.startswith(f"{self._pending[-1][0]}/"):
            place, seen = self._pending.pop()
            fd = open_directory(self._folder, place)
            try:
                self._dress(fd, seen, place)
            finally:
                os.close(fd)

    def _link(self, path: str, seen: Attributes) -> bool:
        first = self._links.get((seen.device, seen.inode)) if seen.links > 1 else None
        if first is None:
            return False
        folder, _, source = first.rpartition("/")
        from_fd = open_directory(self._folder, folder)
        try:
            parent, name = self._open_parent(path)
            os.link(source, name, src_dir_fd=from_fd, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(from_fd)
        return True

    def _special(self, item: Item, path: str, seen: Attributes) -> None:
        parent, name = self._open_parent(path)
        if seen.type == "fifo":
            os.mkfifo(name, _PRIVATE_FILE, dir_fd=parent)
        elif item.found.link is not None:
            os.symlink(item.found.link, name, dir_fd=parent)
        else:
            self._findings.add(GONE, item.path)
            return
        if self._options.keep_owners:
            uid, gid = self._options.owners.inside(seen.uid, seen.gid)
            os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        if seen.type == "fifo":
            os.chmod(name, seen.mode & _PERMISSIONS, dir_fd=parent)
        times = (seen.mtime_ns, seen.mtime_ns)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)
        self._remember(path, seen)

    def _file(self, item: Item, path: str) -> None:
        with self._contents.open(item) as opened:
            if opened is None:
                self._findings.add(GONE, item.path)
                return
            parent, name = self._open_parent(path)
            fd = os.open(name, _NEW, _PRIVATE_FILE, dir_fd=parent)
            try:
                if not self._copy(opened, fd, item.path):
                    self._findings.add(CHANGED, item.path)
                seen = attributes_of(opened.status)
                self._dress(fd, seen, item.path, opened.capability)
            finally:
                os.close(fd)
            self._remember(path, seen)

    def _copy(self, opened: Opened, fd: int, path: str) -> bool:
        """Copy the contents, holes left out; False: they changed each time."""
        for _ in range(_ATTEMPTS):
            before = os.fstat(opened.fd)
            size, done = before.st_size, 0
            os.ftruncate(fd, 0)
            # Not beyond: a log may grow as fast as we read.
            while done < size and (chunk := _read(opened.fd, done, size, path)):
                if chunk != _ZEROS[: len(chunk)]:
                    _write_all(fd, chunk, done)
                done += len(chunk)
                self._options.progress(path, self._size + done)
            os.ftruncate(fd, done)
            if same_content(before, os.fstat(opened.fd)):
                self._size += done
                return True
        return False

    def _dress(self, fd: int, seen: Attributes, path: str, capability: bytes | None = None) -> None:
        """Owner, then mode (chown clears set-user-id), capability (it too), and time."""
        keep = self._options.keep_owners
        if keep:
            os.fchown(fd, *self._options.owners.inside(seen.uid, seen.gid))
        os.fchmod(fd, seen.mode & (_PERMISSIONS if keep else _HARMLESS))
        if keep and capability is not None:
            try:
                os.setxattr(fd, CAPABILITY, capability)
            except OSError as error:
                if error.errno not in _NO_CAPABILITIES:
                    raise
                self._findings.add(CAPABILITIES, path)
        os.utime(fd, ns=(seen.mtime_ns, seen.mtime_ns))

    def _remember(self, path: str, seen: Attributes) -> None:
        if seen.links > 1:
            self._links[seen.device, seen.inode] = path

    def _open_parent(self, path: str) -> tuple[int, str]:
        """The directory that `path` is in, kept open for its siblings."""
        folder, _, name = path.rpartition("/")
        if self._parent is None or self._parent[0] != folder:
            self._close_parent()
            self._parent = folder, open_directory(self._folder, folder)
        return self._parent[1], name

    def _close_parent(self) -> None:
        if self._parent is not None:
            os.close(self._parent[1])
            self._parent = None


def _read(fd: int, offset: int, size: int, path: str) -> bytes:
    try:
        return os.pread(fd, min(CHUNK, size - offset), offset)
    except OSError as error:
        raise NsviewError(f"cannot read /{path}: {error.strerror}") from None


def _write_all(fd: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(fd, rest, offset)
        rest, offset = rest[written:], offset + written
