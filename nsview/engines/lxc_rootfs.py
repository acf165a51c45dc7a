"""The root of an LXC container that does not run, from the file ``config`` of it.

``lxc.rootfs.path = [TYPE:]PATH``, or ``overlay:LOWER:UPPER``; lxc.container.conf(5), lxc's
src/lxc/storage/overlay.c.
"""

from __future__ import annotations

import os

from nsview.engines.disk import DiskStore
from nsview.engines.stored_stack import StoredLayer, StoredStack, StoreFiles, is_name
from nsview.typed import Final

_KEYS: Final = frozenset({"lxc.rootfs.path", "lxc.rootfs"})
_STACKED: Final = frozenset({"overlay", "overlayfs"})
_WHOLE: Final = frozenset({"dir", "btrfs", "zfs"})


def parse_rootfs(data: bytes) -> tuple[str, list[str]] | None:
    """The type of storage and its directories, topmost first; None where they are none."""
    value = ""
    for line in os.fsdecode(data).split("\n"):
        key, _, words = line.partition("=")
        if key.strip() in _KEYS:
            value = words.strip()
    kind, colon, rest = value.partition(":")
    if not colon or "/" in kind:
        kind, rest = "dir", value
    paths = rest.split(":") if kind in _STACKED else [rest]
    known = len(paths) == 2 if kind in _STACKED else kind in _WHOLE
    if not known or not all(path.startswith("/") for path in paths):
        return None
    return kind, paths[::-1]


def read_stack(store: DiskStore, name: str) -> StoredStack | None:
    """The layers of a container; None where no file says them."""
    if not is_name(name):
        return None
    files = StoreFiles(store)
    found = parse_rootfs(files.bytes(f"{name}/config"))
    if found is None:
        return None
    kind, paths = found
    if files.root != store.root:  # a user's word about the user's own store, and nothing else
        paths = [
            path.removeprefix(files.root) for path in paths if path.startswith(f"{files.root}/")
        ]
        if len(paths) < len(found[1]):
            return None
    return StoredStack(
        root=files.root,
        layers=tuple(
            StoredLayer(role="lower" if index else "upper", path=path)
            for index, path in enumerate(paths)
        ),
        form="overlay" if kind in _STACKED else "plain",
        userxattr=store.user != 0,
        driver=kind,
    )
