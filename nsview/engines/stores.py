"""Find every directory in which an engine keeps containers, without asking its daemon.

The default places, what configuration files name, what the command lines of running daemons name,
and every user's rootless ones.
"""

from __future__ import annotations

import os
import time

from nsview.engines.base import Daemon, User
from nsview.engines.containerd_store import containerd_stores
from nsview.engines.containers_storage import containers_storages
from nsview.engines.disk import DiskStore
from nsview.engines.docker_store import docker_stores
from nsview.engines.lxc_store import lxc_stores
from nsview.engines.nsview_store import nsview_stores
from nsview.typed import Final, Sequence

#: `Daemon.comm` of the processes whose command lines are worth reading.
DAEMONS: Final = frozenset({"dockerd", "containerd", "conmon", "crio", "podman"})
#: So long, configuration files are taken to say what they said, and users' directories to be there.
_TRUSTED_SECONDS: Final = 10.0


class StoreSearch:
    """Looks for stores again and again: for what configuration files name, only now and then."""

    def __init__(self) -> None:
        self.found: list[DiskStore] = []
        """What was found the last time. A store remembers what it read."""
        self._asked: tuple[tuple[Daemon, ...], tuple[User, ...]] | None = None
        self._again = 0.0
        self._candidates: list[DiskStore] = []

    def find(self, daemons: tuple[Daemon, ...], users: tuple[User, ...]) -> list[DiskStore]:
        """The stores that exist now, each once, by whatever paths it may be reached.

        A daemon that starts makes everything be looked for at once.
        """
        now = time.monotonic()
        if (daemons, users) != self._asked or now >= self._again:
            self._asked, self._again = (daemons, users), now + _TRUSTED_SECONDS
            self._candidates = candidates = _candidates(daemons, users)
        else:
            # The host's own may be made by a first container; users' engines leave a daemon.
            known = set(self.found)
            candidates = [
                one
                for one in self._candidates
                if one in known or (one.user == 0 and one.root == "/")
            ]
        self.found = _existing(candidates, self.found)
        return self.found


def _existing(candidates: Sequence[DiskStore], known: Sequence[DiskStore]) -> list[DiskStore]:
    kept = {store: store for store in known}
    found: dict[tuple[str, tuple[int, int]], DiskStore] = {}
    for store in candidates:
        inode = store.inode()
        if inode is not None:
            found.setdefault((type(store).__name__, inode), kept.get(store, store))
    return list(found.values())


def _candidates(daemons: Sequence[Daemon], users: Sequence[User]) -> list[DiskStore]:
    found: dict[DiskStore, None] = {}
    people = [user for user in users if _has_files(user)]
    for stores in (docker_stores, containers_storages, containerd_stores, lxc_stores):
        found.update(dict.fromkeys(stores(daemons, people)))
    found.update(dict.fromkeys(nsview_stores(daemons, users)))
    # What a daemon inside a container reaches may be the host's own: the host's name comes first.
    return sorted(found, key=lambda store: store.root != "/")


def _has_files(user: User) -> bool:
    # Most accounts are of services. Whoever runs an engine has its files or its settings at home.
    return any(os.path.exists(f"{user.home}/{name}") for name in (".config", ".local/share"))
