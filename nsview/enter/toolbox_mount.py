"""A toolbox put over a directory of a container, in a copy of its mount namespace.

The joining process uses this: it imports nothing that takes time.
"""

from __future__ import annotations

import os

from nsview.kernel import libc

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def mount_toolbox(tree: int, place: list[bytes], top: int, root: int) -> None:
    """Mount `tree` at `place` below the directory `root`, which is our root already.

    `top` is the mount namespace's own. Descriptors still lead into the namespace that was copied;
    root and working directory move along. So the one place is kept as the working directory, and
    the other as names. The container's own mount table stays as it is.
    """
    names = os.getcwdb().split(b"/")
    os.fchdir(top)
    os.chroot(".")
    os.fchdir(root)
    libc.unshare(libc.CLONE_NEWNS)
    libc.keep_mounts_to_ourselves()
    os.chroot(".")
    libc.attach_mount(tree, _walk(place))
    os.fchdir(_walk(names))


def _walk(names: list[bytes]) -> int:
    """Open a directory below our root, through no link."""
    directory = os.open("/", _DIRECTORY)
    for name in filter(None, names):
        directory = os.open(name, _DIRECTORY, dir_fd=directory)
    return directory
