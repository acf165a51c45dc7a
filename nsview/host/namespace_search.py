"""The search behind `nsview.host.namespaces`: sightings are collected, then the kernel is asked.

Each namespace is opened once, however many processes are in it.
"""

from __future__ import annotations

import os

from nsview.host.census import ThreadLinks
from nsview.host.found import Found
from nsview.host.holders import (
    Sighting,
    find_in_descriptors,
    find_in_mounts,
    find_in_processes,
    find_in_sockets,
    find_in_threads,
    read_nsfs_mounts,
)
from nsview.host.model import Holder, HolderKind
from nsview.host.namespace_openers import Answer, ask, ask_below_roots, read_mounts_inside
from nsview.kernel.nsfs import iter_mount_namespaces
from nsview.kernel.task import Task
from nsview.typed import TYPE_CHECKING, Collection, Iterable, Self

if TYPE_CHECKING:
    from nsview.kernel.netnsid import NetnsidReader
    from nsview.kernel.procfs import Procfs

# O_NONBLOCK: a bind mount is gone, and a FIFO lies there now.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NamespaceSearch:
    """Collects by kind and inode what is found where."""

    def __init__(self, procfs: Procfs, kinds: Collection[str]) -> None:
        self.found: dict[tuple[str, int], Found] = {}
        self._procfs = procfs
        # Bind mounts are looked for in every mount namespace, whatever was asked for.
        self._kinds = frozenset(kinds) | {"mnt"}
        self._inodes: set[int] = set()
        self._own_mount_ns = _inode(procfs.path("self", "ns/mnt"))
        self._netnsids: NetnsidReader | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._netnsids is not None:
            self._netnsids.close()

    def look_at_processes(self, tasks: Iterable[Task]) -> None:
        """Members."""
        self._add_all(find_in_processes(self._procfs, tasks))

    def look_at_threads(self, tasks: Iterable[Task], threads: ThreadLinks | None = None) -> None:
        """Threads with namespaces of their own; `threads` is what the census saw of them."""
        self._add_all(find_in_threads(self._procfs, tasks, threads))

    def look_at_descriptors(
        self, tasks: Iterable[Task], descriptors: Iterable[tuple[int, int]] | None = None
    ) -> None:
        """Descriptors of namespaces; `descriptors` is what the census saw of them."""
        self._add_all(find_in_descriptors(self._procfs, tasks, descriptors))

    def look_at_sockets(self, tasks: Iterable[Task]) -> None:
        """Network namespaces of sockets."""
        self._add_all(find_in_sockets(self._procfs, tasks))

    def look_at_mounts(self) -> None:
        """Bind mounts in every mount namespace, also in those that are found on the way."""
        self._walk_mount_namespaces()
        looked: set[int] = set()
        while fresh := [
            found
            for found in self.found.values()
            if found.kind == "mnt" and found.ino not in looked
        ]:
            for found in fresh:
                looked.add(found.ino)
                self._look_at_mount_table(found)

    def ask_the_kernel(self) -> None:
        """Facts of every namespace; parents and owners that nothing else shows are added."""
        for found in tuple(self.found.values()):
            if found.facts is None:
                self._ask(found)
        silent = [found for found in self.found.values() if found.facts is None]
        ways = [way for found in silent for way in found.ways if way.root is not None]
        self._learn_all(ask_below_roots(self._procfs, ways, self._inodes))

    def look_at_the_kernels_list(self) -> None:
        """What only the kernel lists (listns(2), Linux 6.19): nothing visible explains it."""
        from nsview.kernel.listns import list_namespaces
        from nsview.kernel.nsfs_handle import open_by_id

        try:
            listed = list_namespaces()
        except OSError:
            return
        known = {found.facts.id for found in self.found.values() if found.facts is not None}
        for number in listed or ():
            if number in known:
                continue
            try:
                descriptor = open_by_id(number)
            except OSError:
                continue  # gone meanwhile, or not ours to see
            try:
                answer = self._ask_open(descriptor)
            finally:
                os.close(descriptor)
            if answer is not None and answer.facts.kind in self._kinds:
                self._learn(self._get(answer.facts.kind, answer.facts.ino), answer)

    def look_at_relatives(self) -> None:
        """Parents are held by their children, owners by what they own."""
        for found in tuple(self.found.values()):
            facts = found.facts
            if facts is not None and facts.parent is not None:
                self._hold("child", found, (found.kind, facts.parent))
            if facts is not None and facts.owner is not None and found.kind != "user":
                self._hold("owned", found, ("user", facts.owner))  # of a user ns: its parent

    def _hold(self, kind: HolderKind, below: Found, above: tuple[str, int]) -> None:
        holder = Holder(kind=kind, ino=below.ino, namespace_kind=below.kind)
        if above in self.found:
            self.found[above].add_holder(holder)

    def _add_all(self, sightings: Iterable[Sighting]) -> None:
        for sighting in sightings:
            if sighting.kind in self._kinds:
                self._add(sighting)

    def _add(self, sighting: Sighting) -> None:
        found = self._get(sighting.kind, sighting.ino)
        found.add(sighting)
        holder = sighting.holder
        if holder.kind == "bind" and holder.path and holder.mount_ns == self._own_mount_ns:
            found.nsfs.append(holder.path)
        if sighting.descriptor is not None and found.facts is None:
            self._learn(found, self._ask_open(sighting.descriptor))

    def _get(self, kind: str, ino: int) -> Found:
        found = self.found.get((kind, ino))
        if found is None:
            found = self.found[kind, ino] = Found(kind, ino)
            self._inodes.add(ino)
        return found

    def _walk_mount_namespaces(self) -> None:
        # The kernel's own list, with those that nobody is in. It opens each one for a moment only,
        # so what is new is looked into at once.
        try:
            own = os.open(self._procfs.path("self", "ns/mnt"), _READ)
        except OSError:
            return
        try:
            for step in iter_mount_namespaces(own):
                if ("mnt", step.ino) not in self.found:
                    found = self._get("mnt", step.ino)
                    self._learn(found, self._ask_open(step.fd))
                    self._look_inside(found, step.fd)
        except OSError:
            return  # forbidden outside the initial pid namespace
        finally:
            os.close(own)

    def _look_at_mount_table(self, found: Found) -> None:
        if found.ino == self._own_mount_ns:
            mounts = read_nsfs_mounts(self._procfs, "self")
            self._add_all(find_in_mounts(mounts, found.ino, None))
        elif found.member is not None:
            pid, tid = found.member
            mounts = read_nsfs_mounts(self._procfs, pid, tid)
            root = self._procfs.path(pid, "root" if tid is None else f"task/{tid}/root")
            self._add_all(find_in_mounts(mounts, found.ino, root))
        else:
            self._look_inside_unmanned(found)

    def _look_inside_unmanned(self, found: Found) -> None:
        for way in found.ways:
            if way.root is None and way.path is not None:
                try:
                    descriptor = os.open(way.path, _READ)
                except OSError:
                    continue
                try:
                    self._look_inside(found, descriptor)
                finally:
                    os.close(descriptor)
                return

    def _look_inside(self, found: Found, descriptor: int) -> None:
        mounts = read_mounts_inside(self._procfs, descriptor)
        sightings = list(find_in_mounts(mounts, found.ino, "/"))
        new = [one for one in sightings if one.kind in self._kinds and one.ino not in self._inodes]
        self._add_all(one._replace(path=None, root=None) for one in sightings)
        self._learn_all(ask_below_roots(self._procfs, new, self._inodes, mount_ns=descriptor))

    def _ask(self, found: Found) -> None:
        for way in found.ways:
            if way.path is None or way.root is not None:
                continue
            try:
                descriptor = os.open(way.path, _READ)
            except OSError:
                continue
            try:
                if self._learn(found, self._ask_open(descriptor)):
                    return
            finally:
                os.close(descriptor)

    def _ask_open(self, descriptor: int) -> Answer | None:
        return ask(descriptor, self._inodes, self._read_netnsid)

    def _read_netnsid(self, descriptor: int) -> int | None:
        if self._netnsids is None:
            from nsview.kernel.netnsid import NetnsidReader

            self._netnsids = NetnsidReader()
        return self._netnsids.read(descriptor)

    def _learn_all(self, answers: dict[tuple[str, int], Answer]) -> None:
        for (kind, ino), answer in answers.items():
            self._learn(self._get(kind, ino), answer)

    def _learn(self, found: Found, answer: Answer | None) -> bool:
        # The number may have been given to another namespace meanwhile.
        if answer is None or (answer.facts.kind, answer.facts.ino) != (found.kind, found.ino):
            return False
        found.facts = answer.facts
        found.netnsid = answer.netnsid
        for facts in answer.above:
            if facts.kind in self._kinds:
                above = self._get(facts.kind, facts.ino)
                above.facts = above.facts or facts
        return True


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
