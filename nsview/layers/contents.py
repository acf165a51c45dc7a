"""Open what an item of a stack is: never a device, never through a link, by descriptors alone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Final

from nsview.errors import NsviewError, may_not_be_read
from nsview.kernel.safe_open import open_regular
from nsview.layers.entry import Place
from nsview.layers.layer_directory import GONE
from nsview.layers.layer_walk import Item
from nsview.layers.merge import MergedTree
from nsview.layers.redirects import Refused
from nsview.layers.xattrs import CAPABILITY, read_xattr
from nsview.named_tuple import NamedTuple

_PATH: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
CHUNK: Final = 1 << 20


class Opened(NamedTuple):
    """A regular file."""

    fd: int
    """Its contents, for reading."""
    status: os.stat_result
    """Its metadata: with metacopy, those of the layer above the contents."""
    capability: bytes | None


class Contents:
    """Opens files of a stack, one after another; those of one directory at little cost."""

    def __init__(self, tree: MergedTree, top: int = 0) -> None:
        self._tree = tree
        self._union = tree.union_below(top)
        self._parent: tuple[Place, int | None] | None = None
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Contents:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @contextlib.contextmanager
    def open(self, item: Item) -> Iterator[Opened | None]:
        """A regular file; None when it is none any more, or gone.

        Raises `NotPermitted`, and `NsviewError` where no layer has its contents.
        """
        opened = self._open(item)
        try:
            yield opened
        finally:
            if opened is not None:
                os.close(opened.fd)

    def _open(self, item: Item) -> Opened | None:
        try:
            place = item.found.places[0]
            directory, name = self._directory(place)
            if directory is None:
                return None
            handle = os.open(name, _PATH, dir_fd=directory)
            try:
                status = os.fstat(handle)
                capability = read_xattr(directory, name, CAPABILITY)
                if self._tree.marks.is_metacopy(directory, name, status):
                    fd: int | None = self._open_lower(item)
                else:
                    fd = open_regular(handle)
            finally:
                os.close(handle)
        except Refused as reason:
            raise NsviewError(f"/{item.path}: {reason}") from None
        except PermissionError:
            raise may_not_be_read(f"/{item.path}") from None
        except OSError as error:
            if error.errno not in GONE:
                raise NsviewError(f"cannot read /{item.path}: {error.strerror}") from None
            return None
        return None if fd is None else Opened(fd, status, capability)

    def _open_lower(self, item: Item) -> int:
        place = self._union.contents(item.parent, item.name)
        fd = None if place is None else self._tree.roots.open_regular(*place)
        if fd is None:
            raise Refused("no layer has its contents (metacopy)")
        return fd

    def _directory(self, place: Place) -> tuple[int | None, str]:
        parent, name = place.split()
        if self._parent is None or self._parent[0] != parent:
            self._held.close()
            self._parent = None
            fd = self._held.enter_context(self._tree.roots.directory(*parent))
            self._parent = parent, fd
        return self._parent[1], name


def same_content(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether nobody wrote in between, as far as the kernel says."""
    return _stamp(before) == _stamp(after)


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
