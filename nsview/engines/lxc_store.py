"""LXC's containers: each is a directory with a file ``config``, whether it runs or not.

lxc.container.conf(5): ``lxc.rootfs.path = [TYPE:]PATH``; older versions wrote ``lxc.rootfs``.
"""

from __future__ import annotations

import os

from nsview.engines.base import Daemon, Record, User
from nsview.engines.disk import DiskStore, ParsedFiles, names, open_folder
from nsview.typed import Final, Iterator, Sequence

PATH: Final = "/var/lib/lxc"
#: What stands before the colon: lxc's src/lxc/storage/storage.c.
_TYPES = frozenset({"btrfs", "dir", "loop", "lvm", "nbd", "overlay", "overlayfs", "rbd", "zfs"})
_ROOTFS = frozenset({"lxc.rootfs.path", "lxc.rootfs"})


def parse_rootfs(data: bytes) -> tuple[str, str]:
    """The type of storage that a container's config names, ``dir`` without one, and its place."""
    value = ""
    for line in os.fsdecode(data).split("\n"):
        key, _, words = line.partition("=")
        if key.strip() in _ROOTFS:
            value = words.strip()
    kind, colon, place = value.partition(":")
    return (kind, place) if colon and kind in _TYPES else ("dir", value)


class LxcStore(DiskStore):
    """One lxcpath."""

    def __init__(self, root: str, path: str, user: int = 0) -> None:
        super().__init__(root, path, user)
        self._roots = ParsedFiles(parse_rootfs, user=user)

    def read_records(self) -> Sequence[Record]:
        """All containers, whether they run or not."""
        with open_folder(self.root, self.path) as folder:
            return [] if folder is None else list(self._read(folder))

    def _read(self, folder: int) -> Iterator[Record]:
        for name in names(folder):
            found = self._roots.get(folder, f"{name}/config")
            if found is not None:
                yield Record(
                    engine="lxc",
                    id=name,
                    name=name,
                    driver=found[0],
                    home=self.home,
                    user=self.user,
                )


def lxc_stores(daemons: Sequence[Daemon], users: Sequence[User]) -> Iterator[LxcStore]:
    """Root's lxcpath and every user's; most of them will not exist."""
    del daemons  # none names a path that its container's monitor does not
    yield LxcStore("/", PATH)
    for user in users:
        yield LxcStore("/", f"{user.home}/.local/share/lxc", user.uid)
