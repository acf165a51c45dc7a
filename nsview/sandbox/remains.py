"""Remove what a sandbox leaves behind: mounts, control groups, directories, its interface.

The launching process uses this at the sandbox's end, and `nsview rm` and `gc` later. Directories
were written by the sandbox: nothing is followed, however deep they nest.
"""

from __future__ import annotations

import errno
import os

from nsview.kernel import libc
from nsview.kernel.link_removal import remove_link
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nsview.sandbox.orders import Remains

    Deputy = Callable[[Callable[[], list[str]]], list[str]]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK = b"lock"
_OWNER = 0o700
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
#: EPERM: who may not unmount has mounted nothing, or finds the directory busy when removing it.
_NOT_MOUNTED = (errno.EINVAL, errno.ENOENT, errno.EPERM)


def remove_remains(remains: Remains, deputy: Deputy | None = None) -> list[str]:
    """Remove all of it, the state last; returns what could not be, in words.

    `deputy` calls what it is given as somebody who may remove what others in it wrote: the root of
    a user namespace.
    """
    left = [f"cgroup {path}: in use" for path in remains["cgroups"] if not remove_cgroup(path)]
    left += remove_interface(remains["link"])
    unmount_all(remains["layers"])
    trees = [path for path in (remains["layers"], remains["work"]) if path]
    resisting = remove_trees(trees)
    if resisting and deputy is not None:
        resisting = deputy(lambda: remove_trees(trees))
    left += resisting
    # Whoever finds no lock takes it for half removed, and goes on with it.
    return left or remove_tree(remains["state"], last=_LOCK)


def remove_interface(name: str) -> list[str]:
    """Remove the host's end of its veth pair; returns what resisted, in words.

    It goes with the network namespace at the other end, but not at once, and not before everybody
    else has left that.
    """
    try:
        if name:
            remove_link(name.encode())
    except OSError as error:
        return [f"{name}: {error.strerror}"]
    return []


def remove_cgroup(path: str) -> bool:
    """Remove a control group and those that were made below it; False where one is in use."""
    if _is_removed(path):
        return True
    try:
        inner = [entry.path for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return True
    for one in inner:
        remove_cgroup(one)
    return bool(inner) and _is_removed(path)


def _is_removed(path: str) -> bool:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:  # EBUSY
        return False
    return True


def unmount_all(path: str) -> None:
    """Take off everything that is mounted on a directory; on others' than root's nothing is."""
    if os.geteuid():
        return
    while True:
        try:
            libc.unmount(os.fsencode(path))
        except OSError as error:
            if error.errno in _NOT_MOUNTED:
                return
            raise


def remove_trees(paths: Iterable[str]) -> list[str]:
    """Remove some directories and all that is in them; returns what resisted, in words."""
    return [words for path in paths for words in remove_tree(path)]


def remove_tree(path: str, last: bytes = b"") -> list[str]:
    """Remove a directory and all that is in it; returns what resisted, in words.

    Somebody else may be at it too: what has vanished is removed.
    A directory that is not empty is moved up before it is looked into: no path gets too long, and
    no more than two directories are open at a time. The entry `last` goes when no other is left.
    """
    left: list[str] = []
    try:
        top = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return left
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    try:
        moved = 0
        waiting = [b"."]
        while waiting:
            name = waiting.pop()
            moved = _empty(top, name, moved, waiting, left, last)
    finally:
        os.close(top)
    if not left:
        _remove_directory(path, left)
    return left


def _empty(
    top: int, name: bytes, moved: int, waiting: list[bytes], left: list[str], last: bytes
) -> int:
    """Remove what is in the directory `name` of `top`, and it; directories in it have to wait."""
    try:
        directory = os.open(name, _DIRECTORY, dir_fd=top)
    except FileNotFoundError:
        return moved
    except OSError as error:
        left.append(f"{os.fsdecode(name)}: {error.strerror}")
        return moved
    inner = 0
    try:
        for entry in sorted(map(os.fsencode, os.listdir(directory)), key=last.__eq__):
            try:
                if not _remove_entry(directory, entry):
                    if os.geteuid():  # whom modes bind: the overlay's own work directory has none
                        os.chmod(entry, _OWNER, dir_fd=directory)
                    moved += 1
                    new = b".removed-%d-%d" % (os.getpid(), moved)
                    os.rename(entry, new, src_dir_fd=directory, dst_dir_fd=top)
                    waiting.append(new)
            except FileNotFoundError:
                continue
            except OSError as error:
                inner += 1
                left.append(f"{os.fsdecode(entry)}: {error.strerror}")
    finally:
        os.close(directory)
    if name != b"." and not inner:
        try:
            os.rmdir(name, dir_fd=top)
        except FileNotFoundError:
            return moved
    return moved


def _remove_entry(directory: int, name: bytes) -> bool:
    """Remove a file or an empty directory; False: it is a directory that is not empty."""
    try:
        os.unlink(name, dir_fd=directory)
    except IsADirectoryError:
        try:
            os.rmdir(name, dir_fd=directory)
        except OSError as error:
            if error.errno in _NOT_EMPTY:
                return False
            raise
    return True


def _remove_directory(path: str, left: list[str]) -> None:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return
    except OSError as error:
        left.append(f"{path}: {error.strerror}")
