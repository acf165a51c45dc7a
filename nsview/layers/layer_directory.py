"""Directories of one layer, opened by descriptors alone.

What is in a layer was written by a container: its links may point to the host's files, a directory
may be deeper than PATH_MAX, and all of it may be renamed while it is read. So nothing is opened by
a path of the host but the layer itself; below it no link is followed, and magic links neither.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import Final

from nsview.kernel.safe_open import open_below, open_regular, open_without_links
from nsview.kernel.syscalls import (
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    openat2,
)
from nsview.layers.stack import Layer

#: PATH_MAX is 4096 with the null byte; the kernel takes no longer path at once.
_LONGEST_PATH: Final = 4095
#: Descriptors of layer roots that are kept: RLIMIT_NOFILE is often 1024, a stack has up to 500.
_KEPT_ROOTS: Final = 128
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PATH: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_INSIDE: Final = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
#: Not there, no directory, or a link where a directory was: nothing to read.
GONE: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ESTALE}
)


class LayerRoots:
    """The root directories of a stack's layers, opened when first asked for.

    Close it (a ``with`` block does): an open directory keeps its file system from being unmounted.
    Several threads may use one.
    """

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self._layers = layers
        self._kept: dict[int, int] = {}

    def __enter__(self) -> LayerRoots:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all descriptors."""
        while self._kept:
            os.close(self._kept.popitem()[1])

    @contextlib.contextmanager
    def directory(self, index: int, path: str) -> Iterator[int | None]:
        """The directory `path` (relative, "" for the root) of a layer, open for reading.

        None when it is not there, is none, or is reached through a link. Raises OSError for what
        else is wrong, PermissionError among it.
        """
        with self._root(index) as root:
            fd = None
            try:
                if root is not None:
                    fd = open_directory(root, path)
            except OSError as error:
                if error.errno not in GONE:
                    raise
            try:
                yield fd
            finally:
                if fd is not None:
                    os.close(fd)

    def open_regular(self, index: int, path: str) -> int | None:
        """The file `path` of a layer, open for reading; None when it is no regular file.

        Raises OSError, FileNotFoundError where nothing is there.
        """
        folder, _, name = path.rpartition("/")
        with self.directory(index, folder) as fd:
            if fd is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            handle = os.open(name, _PATH, dir_fd=fd)
        try:
            return open_regular(handle)
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _root(self, index: int) -> Iterator[int | None]:
        fd = self._kept.get(index)
        if fd is not None:
            yield fd
            return
        try:
            fd = open_layer(self._layers[index])
        except OSError as error:
            if error.errno not in GONE:
                raise
            yield None
            return
        if len(self._kept) < _KEPT_ROOTS:
            kept = self._kept.setdefault(index, fd)
            if kept != fd:  # another thread was faster
                os.close(fd)
            yield kept
            return
        try:
            yield fd
        finally:
            os.close(fd)


def open_layer(layer: Layer) -> int:
    """A descriptor (O_PATH) of the layer's own directory; ENOENT when nobody knows where it is."""
    if layer.path is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), layer.shown_as)
    return open_below(layer.root, layer.path, os.O_PATH | os.O_DIRECTORY)


def read_status(directory: int, name: str) -> os.stat_result | None:
    """What lstat(2) says of a name in an open directory; None when nothing is there."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        if error.errno not in GONE:
            raise
        return None


def open_directory(root: int, path: str) -> int:
    """Open the directory `path` below `root` for reading, however deep it is."""
    base = root
    try:
        for piece in _pieces(path):
            below = _open(base, piece)
            if base != root:
                os.close(base)
            base = below
    except BaseException:
        if base != root:
            os.close(base)
        raise
    return base


def _pieces(path: str) -> Iterator[str]:
    """Cut a path into such as the kernel takes at once."""
    if len(path) * 4 <= _LONGEST_PATH or len(os.fsencode(path)) <= _LONGEST_PATH:
        yield path or "."
        return
    piece: list[str] = []
    length = 0
    for name in path.split("/"):
        size = len(os.fsencode(name)) + 1
        if length + size > _LONGEST_PATH:
            yield "/".join(piece)
            piece, length = [], 0
        piece.append(name)
        length += size
    yield "/".join(piece)


def _open(base: int, path: str) -> int:
    try:
        return openat2(base, path, _DIRECTORY, _INSIDE)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise
        return open_without_links(base, path, _DIRECTORY)
