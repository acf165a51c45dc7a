"""Engines' directories and files: opened below a root, read when they changed, never trusted.

A store may be a user's (rootless) or live inside another container, so whoever wrote it may have
put links and FIFOs there: all opening goes through `nsview.kernel.safe_open`, only regular files of
the store's owner are read, and how much is bounded.
"""

from __future__ import annotations

import os
import time
from stat import S_ISREG

from nsview.engines.base import Record
from nsview.kernel.safe_open import on_host, open_below, open_regular
from nsview.light import contextmanager
from nsview.typed import Callable, Final, Generic, Hashable, Iterable, Iterator, Sequence, TypeVar

T = TypeVar("T")

#: One container's own description. Real ones are about 5 KiB.
RECORD_LIMIT: Final = 4 << 20
#: A database or a list of everything. A node of 500 containers has about 10 MiB.
DATABASE_LIMIT: Final = 128 << 20

#: Timestamps move in steps of a clock tick (1 to 10 ms). A file younger than this may change once
#: more and look the same: it is read again, as git does ("racily clean").
_SETTLED_NS = 100_000_000
#: Two pages of the largest size: whoever changes a database changes its head.
_HEAD = 2 << 16
_ATTEMPTS = 3


@contextmanager
def open_folder(root: str, path: str) -> Iterator[int | None]:
    """Hold the directory `path` below `root` open; None when there is none."""
    if _is_missing(root, path):
        yield None
        return
    try:
        folder = open_below(root, path, os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, ValueError):  # ValueError: what no path can hold, from an untrusted setting
        yield None
        return
    try:
        yield folder
    finally:
        os.close(folder)


def _is_missing(root: str | int, path: str) -> bool:
    # Most of the places where engines may keep things are not there, which stat(2) says soonest.
    return root == "/" and not os.path.exists(path)


def names(folder: int) -> list[str]:
    """What is in an open directory, sorted."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def read_file(root: str | int, path: str, *, user: int = 0, limit: int = RECORD_LIMIT) -> bytes:
    """The content of a regular file; empty when it is missing, too large or not the user's."""
    return _read(root, path, user, limit) or b""


def _read(root: str | int, path: str, user: int, limit: int) -> bytes | None:
    """As read_file; None when the writer was faster every time."""
    if _is_missing(root, path):
        return b""
    try:
        place = open_below(root, path, os.O_PATH)
    except (OSError, ValueError):
        return b""
    try:
        file = open_regular(place) if not user or os.fstat(place).st_uid == user else None
        if file is None:
            return b""
        try:
            return _read_unchanged(file, limit)
        finally:
            os.close(file)
    except OSError:
        return b""
    finally:
        os.close(place)


def _read_unchanged(file: int, limit: int) -> bytes | None:
    for _attempt in range(_ATTEMPTS):
        size = os.fstat(file).st_size
        if size > limit:
            return b""
        data = _read_up_to(file, size)
        if os.pread(file, _HEAD, 0) == data[:_HEAD]:
            return data
    return None


def _read_up_to(file: int, size: int) -> bytes:
    chunks = []
    done = 0
    while done < size and (chunk := os.pread(file, size - done, done)):
        chunks.append(chunk)
        done += len(chunk)
    return b"".join(chunks)


class ParsedFiles(Generic[T]):
    """What a parser made of files below one directory; an unchanged file costs one stat."""

    def __init__(
        self, parse: Callable[[bytes], T | None], *, user: int = 0, limit: int = RECORD_LIMIT
    ) -> None:
        self._parse = parse
        self._user = user
        self._limit = limit
        self._known: dict[str, tuple[tuple[int, ...], T | None]] = {}

    def get(self, folder: int, path: str) -> T | None:
        """What the file says now; None when it is missing or says nothing."""
        try:
            status = os.stat(path, dir_fd=folder, follow_symlinks=False)
        except (OSError, ValueError):  # ValueError: a NUL inside an untrusted name
            self._known.pop(path, None)
            return None
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        if not S_ISREG(status.st_mode):
            return None
        settled = time.time_ns() - status.st_mtime_ns > _SETTLED_NS
        data = _read(folder, path, self._user, self._limit)
        if data is None:  # what it said a moment ago is better than nothing
            return known[1] if known is not None else None
        value = self._parse(data) if data else None
        self._known[path] = (stamp if settled else (), value)
        return value

    def get_all(self, folder: int, paths: Iterable[str]) -> list[T]:
        """What all of these files say, and forget every other."""
        values = [(path, self.get(folder, path)) for path in paths]
        self._known = {path: self._known[path] for path, _ in values if path in self._known}
        return [value for _, value in values if value is not None]


class DiskStore:
    """What all stores share: a directory below a root, and whose it is."""

    def __init__(self, root: str, path: str, user: int, *more: Hashable) -> None:
        self.root = root
        self.path = os.path.normpath(path)
        self.user = user
        self._identity = (type(self).__name__, root, self.path, user, *more)

    @property
    def home(self) -> str:
        """Where it is on the host."""
        return on_host(self.root, self.path)

    def read_records(self) -> Sequence[Record]:
        """Read what is there now."""
        raise NotImplementedError

    def inode(self) -> tuple[int, int] | None:
        """Device and inode of its directory, the same by every path; None when there is none."""
        with open_folder(self.root, self.path) as folder:
            if folder is None:
                return None
            status = os.fstat(folder)
            return status.st_dev, status.st_ino

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DiskStore) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.home!r}, user={self.user})"
