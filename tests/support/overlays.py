"""Real overlay mounts, in a mount namespace that only one thread of the tests is in.

The kernel takes them away with the thread, however the run ends.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from nsview.kernel.namespaces import CLONE_FLAGS
from nsview.kernel.syscalls import CLONE_FS, unshare
from nsview.layers.entry import Entry
from nsview.layers.merge import MergedTree
from nsview.layers.stack import Layer, OverlayRules, Stack

_T = TypeVar("_T")


_MS_REC_PRIVATE = 0x4000 | 0x40000
_MNT_DETACH = 2
#: Redirects and metacopy as asked for; nothing that would tie layers to one another.
COMMON = "index=off,nfs_export=off,xino=off"


@contextmanager
def directory() -> Iterator[Path]:
    """A temporary directory, for each example a new one."""
    with tempfile.TemporaryDirectory(prefix="nsview-layers-") as path:
        yield Path(path)


class PrivateMounts:
    """Runs functions in a thread with mounts of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, initializer=_leave)

    def __enter__(self) -> PrivateMounts:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def run(self, function: Callable[..., _T], *words: Any, **more: Any) -> _T:
        """Call `function` in there."""
        return self._thread.submit(function, *words, **more).result()


def _leave() -> None:
    unshare(CLONE_FS | CLONE_FLAGS["mnt"])
    mount("none", "/", None, flags=_MS_REC_PRIVATE)


def mount(
    source: str, target: str, fstype: str | None, data: str | None = None, flags: int = 0
) -> None:
    """mount(2)."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, fstype)]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(*words, ctypes.c_ulong(flags), None if data is None else os.fsencode(data)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), data)


@contextmanager
def overlay(
    target: Path, lower: Sequence[Path], upper: Path | None = None, options: str = COMMON
) -> Iterator[Path]:
    """Mount an overlay; the topmost of `lower` comes first."""
    words = ["lowerdir=" + ":".join(map(str, lower))]
    if upper is not None:
        work = upper.with_name(upper.name + ".work")
        work.mkdir(exist_ok=True)
        words += [f"upperdir={upper}", f"workdir={work}"]
    target.mkdir(exist_ok=True)
    mount("overlay", str(target), "overlay", ",".join([*words, options]))
    try:
        yield target
    finally:
        ctypes.CDLL(None).umount2(os.fsencode(target), _MNT_DETACH)


def stack_of(
    layers: Sequence[Path], rules: OverlayRules | None = None, *, data: Sequence[Path] = ()
) -> Stack:
    """The stack of these directories, topmost first, then the data-only ones."""
    numbers = itertools.count()
    return Stack(
        rules=rules or OverlayRules(),
        layers=tuple(
            Layer(
                index=next(numbers),
                role="data" if path in data else ("lower" if path != layers[0] else "upper"),
                writable=path == layers[0],
                path=str(path),
                shown_as=str(path),
                resolution="exact",
            )
            for path in (*layers, *data)
        ),
    )


Tree = Mapping[str, object]


def seen_by_the_kernel(top: Path) -> Tree:
    """Everything in a mounted tree; what lists a name but refuses it is "broken"."""
    found: dict[str, object] = {}

    def walk(directory: str, shown: str) -> None:
        try:
            names = os.listdir(directory)
        except OSError:  # a broken file may be a whiteout by attribute: it does not know
            found[shown] = "unlistable"
            return
        for name in names:
            path = f"{directory}/{name}"
            try:
                status = os.lstat(path)
            except FileNotFoundError:  # a whiteout in a directory that does not merge
                continue
            except OSError as error:
                # Two directories that claim the same lower one: whichever is looked up first wins.
                state = "claimed twice" if error.errno == errno.ESTALE else "broken"
                found[f"{shown}/{name}"] = state
                continue
            found[f"{shown}/{name}"] = _of_kernel(path, status)
            if stat.S_ISDIR(status.st_mode):
                walk(path, f"{shown}/{name}")

    walk(str(top), "")
    return found


def comparable(ours: Tree, kernels: Tree) -> tuple[Tree, Tree]:
    """Both, without what is in directories that the kernel cannot list, and such as it refuses.

    Where layers contradict themselves, its order of lookups decides what it refuses, and whether it
    still lists the name.
    """
    closed = [path for path, what in kernels.items() if what in ("claimed twice", "unlistable")]
    refused = {path for path, what in ours.items() if what == "broken" and path not in kernels}

    def rest(tree: Tree) -> Tree:
        return {
            path: what
            for path, what in tree.items()
            if path not in refused
            and not any(path == one or path.startswith(f"{one}/") for one in closed)
        }

    return rest(ours), rest(kernels)


def _of_kernel(path: str, status: os.stat_result) -> object:
    link = os.readlink(path) if stat.S_ISLNK(status.st_mode) else None
    contents = Path(path).read_bytes() if stat.S_ISREG(status.st_mode) else None
    kind = stat.S_IFMT(status.st_mode)
    return (
        {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}.get(kind, kind),
        stat.S_IMODE(status.st_mode),
        (status.st_uid, status.st_gid),
        status.st_size,
        status.st_mtime_ns,
        link,
        contents,
    )


_KINDS = {"fifo": stat.S_IFIFO, "socket": stat.S_IFSOCK, "character": stat.S_IFCHR}


def seen_by_us(tree: MergedTree) -> Tree:
    """The same, as `MergedTree` shows it."""
    found: dict[str, object] = {}
    todo = [""]
    while todo:
        directory = todo.pop()
        entries = tree.list(directory or "/")
        assert entries is not None, directory
        for entry in entries:
            path = f"{directory}/{entry.name}"
            found[path] = _of_ours(tree, path, entry)
            if entry.type == "directory" and not entry.broken:
                todo.append(path)
    return found


def _of_ours(tree: MergedTree, path: str, entry: Entry) -> object:
    contents = None
    if entry.broken:
        return "broken"
    if entry.type == "file":
        try:
            fd = tree.open_file(path)
        except OSError:
            return "broken"
        with os.fdopen(fd, "rb") as file:
            contents = file.read()
    return (
        _KINDS.get(entry.type, entry.type),
        entry.mode,
        (entry.uid, entry.gid),
        entry.size,
        entry.mtime_ns,
        entry.link,
        contents,
    )
