"""How many files and bytes a directory of a stack holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from stat import S_ISCHR, S_ISREG
from typing import Final, NamedTuple

from nsview.kernel.safe_open import open_below

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Measured(NamedTuple):
    """What a walk has counted."""

    files: int
    """Everything but directories and whiteouts."""
    size: int
    """Bytes in regular files, as their readers see them (holes included); one with several names
    once."""
    complete: bool = True
    """False: something could not be read, or moved away while we were in it."""


def measure_layer(root: str, path: str, stop: Callable[[], bool] = bool) -> Measured:
    """Walk the directory `path` below `root`, in its own file system; no link is followed.

    `stop` is asked at each directory. One descriptor is open at a time, however deep the tree.
    """
    try:
        fd = open_below(root, path, _FOLDER)
    except (OSError, ValueError):
        return Measured(0, 0, complete=False)
    walk = _Walk(fd, stop)
    try:
        walk.run()
    finally:
        os.close(walk.fd)
    return Measured(walk.files, walk.size, walk.complete)


class _Walk:
    def __init__(self, fd: int, stop: Callable[[], bool]) -> None:
        self.fd = fd
        self.files = self.size = 0
        self.complete = True
        self._stop = stop
        self._device = os.fstat(fd).st_dev
        self._linked: set[int] = set()

    def run(self) -> None:
        """Down by name, up by ``..``: a path would be longer than the kernel takes."""
        # Of each directory from the top to here: what it is, and which below it are to be seen.
        way = [(self._identity(), self._count())]
        while way:
            if self._stop():
                self.complete = False
                return
            _, waiting = way[-1]
            if waiting:
                if self._enter(waiting.pop()):
                    way.append((self._identity(), self._count()))
                continue
            way.pop()
            if way and not self._leave(way[-1][0]):
                self.complete = False
                return

    def _identity(self) -> tuple[int, int]:
        status = os.fstat(self.fd)
        return status.st_dev, status.st_ino

    def _move(self, fd: int) -> None:
        os.close(self.fd)
        self.fd = fd

    def _enter(self, name: str) -> bool:
        try:
            fd = os.open(name, _FOLDER, dir_fd=self.fd)
        except FileNotFoundError:  # gone since it was listed: nothing to count
            return False
        except OSError:
            self.complete = False
            return False
        if os.fstat(fd).st_dev != self._device:  # another mount, which is no part of the layer
            os.close(fd)
            return False
        self._move(fd)
        return True

    def _leave(self, parent: tuple[int, int]) -> bool:
        try:
            self._move(os.open("..", _FOLDER, dir_fd=self.fd))
        except OSError:
            return False
        return self._identity() == parent  # else somebody has moved the directory meanwhile

    def _count(self) -> list[str]:
        """Count what is in this directory; return the directories in it."""
        folders = []
        try:
            with os.scandir(self.fd) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    else:
                        self._add(entry)
        except OSError:
            self.complete = False
        return folders

    def _add(self, entry: os.DirEntry[str]) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        if S_ISCHR(status.st_mode) and status.st_rdev == 0:  # a whiteout
            return
        self.files += 1
        if not S_ISREG(status.st_mode):
            return
        if status.st_nlink > 1:
            if status.st_ino in self._linked:
                return
            self._linked.add(status.st_ino)
        self.size += status.st_size
