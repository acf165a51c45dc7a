"""A mount namespace as the place in which a mounter's paths meant something."""

from __future__ import annotations

import os
from collections.abc import Container
from dataclasses import dataclass

from nsview.kernel.mountinfo import Mount, unescape
from nsview.kernel.safe_open import open_below
from nsview.named_tuple import NamedTuple


@dataclass(frozen=True, slots=True)
class View:
    """A root directory, and the mounts that are seen from it."""

    root: str
    """``/``, or ``/proc/PID/root`` of a process whose mounts these are."""
    mounts: tuple[Mount, ...]

    def find(self, device: str) -> Mount | None:
        """Where the whole of that file system is mounted in here, if it is."""
        return next((one for one in self.mounts if (one.device, one.root) == (device, "/")), None)


class Directory(NamedTuple):
    """A directory that exists, by the path that leads to it below `root` without any link."""

    root: str
    path: str
    device: int
    inode: int

    @property
    def identity(self) -> tuple[int, int]:
        """The same by every path."""
        return self.device, self.inode


def mount_options(mount: Mount, *, but: Container[str] = ()) -> tuple[tuple[str, str], ...]:
    """The file system's own options, decoded; "" is the value of one that has none."""
    pairs = (option.partition("=") for option in mount.super_options)
    return tuple((unescape(key), unescape(value)) for key, _, value in pairs if key not in but)


def find_directory(root: str, path: str) -> Directory | None:
    """The directory that `path` leads to for who has `root` as root; None when there is none.

    Links are followed inside `root`, and are gone from the path that is returned.
    """
    try:
        fd = open_below(root, path, os.O_PATH | os.O_DIRECTORY)
    except (OSError, ValueError):  # ValueError: a NUL, which no path has
        return None
    try:
        status = os.fstat(fd)
        straight = _straight_path(root, fd)
    finally:
        os.close(fd)
    if straight is not None and straight != path and _is(root, straight, status):
        path = straight
    return Directory(root, path, status.st_dev, status.st_ino)


def _straight_path(root: str, fd: int) -> str | None:
    """What the kernel calls the directory, counted from `root`."""
    try:
        path = os.readlink(f"/proc/self/fd/{fd}")
        base = os.readlink(root) if root.startswith("/proc/") else root
    except OSError:  # a path of more than a page has no such text
        return None
    base = base.rstrip("/")
    return path[len(base) :] if path.startswith(f"{base}/") else None


def _is(root: str, path: str, status: os.stat_result) -> bool:
    # The text may be wrong: another mount may cover the place, or the directory be deleted.
    try:
        fd = open_below(root, path, os.O_PATH | os.O_DIRECTORY)
    except (OSError, ValueError):
        return False
    try:
        return os.path.samestat(os.fstat(fd), status)
    finally:
        os.close(fd)
