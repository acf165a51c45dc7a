"""The root of an LXC container that does not run, from the file ``config`` of it.

lxc's src/lxc/storage/overlay.c.
"""

from __future__ import annotations

from nsview.engines.disk import DiskStore
from nsview.engines.lxc_store import parse_rootfs
from nsview.engines.stored_stack import StoredLayer, StoredStack, StoreFiles, is_name
from nsview.typed import Final

_STACKED: Final = frozenset({"overlay", "overlayfs"})
_WHOLE: Final = frozenset({"dir", "btrfs", "zfs"})


def directories_of(kind: str, place: str) -> list[str]:
    """The directories that a rootfs is, topmost first (of ``LOWER:UPPER``); none of other types."""
    paths = place.split(":") if kind in _STACKED else [place]
    known = len(paths) == 2 if kind in _STACKED else kind in _WHOLE
    return paths[::-1] if known and all(path.startswith("/") for path in paths) else []


def read_stack(store: DiskStore, name: str) -> StoredStack | None:
    """The layers of a container; None where no file says them."""
    if not is_name(name):
        return None
    files = StoreFiles(store)
    kind, place = parse_rootfs(files.bytes(f"{name}/config"))
    paths = directories_of(kind, place)
    if files.root != store.root:  # a user's word about the user's own store, and nothing else
        if not all(path.startswith(f"{files.root}/") for path in paths):
            return None
        paths = [path.removeprefix(files.root) for path in paths]
    if not paths:
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
