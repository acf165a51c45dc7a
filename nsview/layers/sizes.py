"""How much a layer stores, as du(1) would count it: a hard-linked file once."""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from nsview.layers.layer_directory import open_layer
from nsview.layers.stack import Layer
from nsview.layers.walk import walk_directories
from nsview.layers.xattrs import is_device_whiteout
from nsview.named_tuple import NamedTuple

#: Between two looks at whether somebody has cancelled it, or wants the totals so far.
_BATCH: Final = 4096
_CACHED: Final = 4096


class LayerSize(NamedTuple):
    """What a layer holds."""

    files: int
    """Everything that is no directory and no whiteout; each name of a hard-linked file."""
    bytes: int
    """Sizes of regular files; a hard-linked one counts once, a hole counts as if it were full."""
    closed: int = 0
    """Directories that may not be read, and so do not count."""


def closed_words(closed: int) -> str:
    """How many directories may not be read."""
    what = "directory" if closed == 1 else "directories"
    return f"{closed:,} {what} that may not be read"


class Cancelled(Exception):  # noqa: N818 - a wish, no fault
    """`cancelled` said so; the totals so far were reported before."""


Progress = Callable[[LayerSize], None]
_cache: OrderedDict[tuple[int, int, int], LayerSize] = OrderedDict()
_lock = threading.Lock()


def never() -> bool:
    """Nobody cancels it."""
    return False


def measure_layer(
    layer: Layer, cancelled: Callable[[], bool] = never, progress: Progress | None = None
) -> LayerSize:
    """Walk a layer. A layer that nothing writes to is walked once, and remembered.

    `progress` gets the totals so far from time to time; `cancelled` is asked as often. Raises
    `Cancelled`, and OSError where the layer's own directory cannot be opened.
    """
    root = open_layer(layer)
    try:
        status = os.fstat(root)
        key = (status.st_dev, status.st_ino, status.st_mtime_ns)
        if not layer.writable:
            with _lock:
                if key in _cache:
                    return _cache[key]
        size = _walk(root, cancelled, progress)
    finally:
        os.close(root)
    if not (layer.writable or size.closed):
        with _lock:
            _cache[key] = size
            if len(_cache) > _CACHED:
                _cache.popitem(last=False)
    return size


def _walk(root: int, cancelled: Callable[[], bool], progress: Progress | None) -> LayerSize:
    files = total = seen = 0
    links: dict[int, int] = {}
    closed: list[None] = []
    for directory in walk_directories(root, lambda: closed.append(None)):
        with os.scandir(directory.fd) as entries:
            for entry in entries:
                seen += 1
                if seen % _BATCH == 0:
                    _report(LayerSize(files, total), cancelled, progress)
                try:
                    if entry.is_dir(follow_symlinks=False):
                        directory.below.append(entry.name)
                        continue
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if is_device_whiteout(status):
                    continue
                files += 1
                if stat.S_ISREG(status.st_mode) and _is_first(status, links):
                    total += status.st_size
    _report(LayerSize(files, total), cancelled, progress)
    return LayerSize(files, total, len(closed))


def _is_first(status: os.stat_result, links: dict[int, int]) -> bool:
    """Whether no other name of this file was seen; an inode is forgotten with its last name."""
    if status.st_nlink == 1:
        return True
    left = links.get(status.st_ino)
    if left is None:
        links[status.st_ino] = status.st_nlink - 1
        return True
    if left > 1:
        links[status.st_ino] = left - 1
    else:
        del links[status.st_ino]
    return False


def _report(size: LayerSize, cancelled: Callable[[], bool], progress: Progress | None) -> None:
    if progress is not None:
        progress(size)
    if cancelled():
        raise Cancelled
