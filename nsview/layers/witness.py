"""Ask the mounted overlay itself whether a directory is one of its layers.

A path in a mount table is what somebody typed once. Meanwhile the directory may have been renamed,
deleted and made anew. But whatever an overlay shows has the times, and for all but directories the
inode number, of the layer that it comes from (fs/overlayfs/inode.c:ovl_getattr), the change time
among them, which nobody can set.

Names are looked up without crossing into other mounts, which a container may have put anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from stat import S_ISDIR
from typing import Final, Literal

from nsview.kernel.safe_open import open_below
from nsview.kernel.syscalls import (
    RESOLVE_BENEATH,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
    openat2,
)
from nsview.layers.views import Directory
from nsview.layers.xattrs import is_device_whiteout

Verdict = Literal["same", "other", "unknown"]

_BENEATH: Final = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: With layers on several file systems, the highest bits of an inode number may tell which it is of
#: (xino): 500 layers need ten at most (fs/overlayfs/super.c).
_INODE_BITS: Final = (1 << 54) - 1
#: Names of a directory, directories of a layer, and names in all that are tried.
_NAMES: Final = 32
_FOLDERS: Final = 16
_TRIES: Final = 64
#: Names without a counterpart for which every layer above is searched for what hides them.
_SEARCHED: Final = 4
_ATTEMPTS: Final = 2


class Witness:
    """The root of an overlay, held open; `merged` None: nobody to ask."""

    def __init__(self, merged: int | None) -> None:
        self._merged = merged

    def judge(self, places: Sequence[Directory | None]) -> list[Verdict]:
        """Whether each place is the layer at that position of the stack, topmost first."""
        if self._merged is None:
            return ["unknown"] * len(places)
        one_device = len({place.device for place in places if place}) == 1 and all(places)
        verdicts: list[Verdict] = []
        above: list[Directory | None] = []
        for place in places:
            if place is None:
                verdict: Verdict = "unknown"
            elif not above:
                verdict = self._judge_top(place, one_device)
            else:
                verdict = self._judge_lower(place, above)
            verdicts.append(verdict)
            above.append(None if verdict == "other" else place)
        return verdicts

    def _judge_top(self, place: Directory, one_device: bool) -> Verdict:
        # The root directory shows what the topmost layer's says. It may change in between.
        for _ in range(_ATTEMPTS):
            own, shown = _lookup(place, ""), self._status(".")
            if own is None or shown is None:
                return "unknown"
            alike = _times(own) == _times(shown)
            # Only where all layers are on one file system, a directory shows its own number.
            if alike and (not one_device or own.st_ino == shown.st_ino):
                return "same"
        return "other"

    def _judge_lower(self, place: Directory, above: Sequence[Directory | None]) -> Verdict:
        missed: list[str] = []
        for tries, (path, own) in enumerate(_samples(place)):
            shown = self._status(path)
            if shown is not None and _is_shown(own, shown):
                return "same"
            if len(missed) < _SEARCHED:
                missed.append(path)
            if tries >= _TRIES:
                break
        seen = [place for place in above if place is not None]
        if len(seen) < len(above):
            # What is lost above may hide it; but where one directory is another by now, so may be
            # the next.
            return "other" if missed else "unknown"
        return "other" if any(self._is_missing(path, seen) for path in missed) else "unknown"

    def _is_missing(self, path: str, above: Sequence[Directory]) -> bool:
        """Nothing above hides the name, and yet the overlay does not show it."""
        try:
            os.close(self._open(path))
        except FileNotFoundError:
            return not any(_hides(place, path) for place in above)
        except OSError:  # another mount is in the way
            return False
        return not any(_hides(place, path) or _lookup(place, path) for place in above)

    def _status(self, path: str) -> os.stat_result | None:
        try:
            fd = self._open(path)
        except (OSError, ValueError):
            return None
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)

    def _open(self, path: str) -> int:
        assert self._merged is not None
        return openat2(self._merged, path, os.O_PATH | os.O_NOFOLLOW, _BENEATH)


def _samples(place: Directory) -> Iterator[tuple[str, os.stat_result]]:
    """Names of a layer, and what is there: of a few directories, a few each."""
    folders = [""]
    for _ in range(_FOLDERS):
        if not folders:
            return
        folder = folders.pop()
        below = []
        for name, status in _entries(place, folder):
            path = f"{folder}{name}"
            if S_ISDIR(status.st_mode):
                below.append(f"{path}/")
            if not is_device_whiteout(status):  # which is never shown
                yield path, status
        folders += below


def _entries(place: Directory, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        fd = _open(place, folder, _FOLDER)
    except OSError:
        return
    try:
        with os.scandir(fd) as entries:
            for entry, _ in zip(entries, range(_NAMES), strict=False):
                yield entry.name, entry.stat(follow_symlinks=False)
    except OSError:
        return
    finally:
        os.close(fd)


def _times(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mode, status.st_mtime_ns, status.st_ctime_ns


def _is_shown(own: os.stat_result, shown: os.stat_result) -> bool:
    if _times(own) != _times(shown):
        return False
    if S_ISDIR(own.st_mode):  # only the topmost layer that has it: its times are proof enough
        return True
    return (own.st_ino, own.st_size) == (shown.st_ino & _INODE_BITS, shown.st_size)


def _hides(place: Directory, path: str) -> bool:
    """Something in this layer keeps the path of a lower layer from being seen."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        prefix = "/".join(parts[:count])
        status = _lookup(place, prefix)
        if status is None:
            return False
        if not S_ISDIR(status.st_mode) or _is_marked(place, prefix):
            return True
    status = _lookup(place, path)
    return status is not None and not S_ISDIR(status.st_mode)


def _open(place: Directory, path: str, flags: int) -> int:
    """Open `path` of a layer, "" for its root; raises OSError."""
    top = open_below(place.root, place.path, os.O_PATH | os.O_DIRECTORY)
    try:
        return openat2(top, path or ".", flags, _BENEATH)
    finally:
        os.close(top)


def _lookup(place: Directory, path: str) -> os.stat_result | None:
    try:
        fd = _open(place, path, os.O_PATH | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        return os.fstat(fd)
    finally:
        os.close(fd)


def _is_marked(place: Directory, path: str) -> bool:
    """A directory that is opaque or was renamed: what is below it, only a full lookup can tell."""
    try:
        fd = _open(place, path, _FOLDER)
    except OSError:
        return True
    try:
        return any(name.partition(".")[2].startswith("overlay.") for name in os.listxattr(fd))
    finally:
        os.close(fd)
