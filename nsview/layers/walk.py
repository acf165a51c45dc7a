"""Everything in one layer, a directory at a time, with one open directory and little memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from nsview.layers.layer_directory import GONE, open_directory
from nsview.named_tuple import NamedTuple


class WalkedDirectory(NamedTuple):
    """A directory that is being walked; `fd` is open until the next one is asked for."""

    path: str
    """From where the walk began; "" is that directory."""
    fd: int
    below: list[str]
    """To be filled with the names of the subdirectories to go on with."""


def walk_directories(
    root: int, closed: Callable[[], object] | None = None
) -> Iterator[WalkedDirectory]:
    """Yield the directory `root` and those below it, the upper ones first.

    Each is read once, by who gets it: the walk goes on with the names in `below`. Left out are
    directories that vanish and that are mounted; those that may not be read, too, if `closed` is
    there to be told of each. Else that raises PermissionError.
    """
    device = os.fstat(root).st_dev
    trail: list[str] = []
    levels: list[list[str]] = [[""]]
    while levels:
        if not levels[-1]:
            levels.pop()
            del trail[-1:]
            continue
        name = levels[-1].pop()
        path = "/".join([*trail, name])
        try:
            fd = open_directory(root, path)
        except PermissionError:
            if closed is None:
                raise
            closed()
            continue
        except OSError as error:
            if error.errno not in GONE:
                raise
            continue
        below: list[str] = []
        try:
            if os.fstat(fd).st_dev == device:
                yield WalkedDirectory(path, fd, below)
        finally:
            os.close(fd)
        if below:
            levels.append(below)
            trail += [name] if name else []
