"""Where control groups are as directories: cgroups(7), all of v1, hybrid and v2.

/proc/PID/cgroup gives a path from the root of our cgroup namespace, and mountinfo says which part
of a hierarchy is mounted where, counted from the same root: ``/`` on a host, ``/docker/ID`` where
v1 is passed into a container, ``/..`` of a mount that is older than the cgroup namespace.
"""

from __future__ import annotations

import os

from nsview.kernel.cgroup_files import read_file
from nsview.kernel.mountinfo import Mount, parse_mountinfo
from nsview.kernel.task import CgroupPath
from nsview.light import cache
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterable, Iterator

#: Lines of freezer.state (v1), cgroup.events and cgroup.freeze (v2).
_STOPPED: Final = frozenset((b"FROZEN", b"FREEZING", b"frozen 1", b"1"))


class Hierarchy(NamedTuple):
    """A mounted tree of control groups."""

    version: int
    """1 or 2."""
    options: frozenset[str]
    """v1: its controllers, or ``name=systemd``, among the other mount options."""
    root: str
    """Cgroup path that is mounted."""
    target: str
    """Directory that it is mounted on."""

    def directory(self, path: str) -> str | None:
        """Return the directory of a cgroup path; None when this mount does not reach it.

        The directory need not exist any more.
        """
        root = [part for part in self.root.split("/") if part]
        parts = [part for part in path.split("/") if part]
        below = parts[len(root) :]
        if parts[: len(root)] != root or ".." in below:
            return None
        return os.path.join(self.target, *below)


class Place(NamedTuple):
    """Where the files of a controller are for some task."""

    version: int
    """1 or 2: what the files are called."""
    directory: str
    top: str
    """Where the hierarchy is mounted: no group above it can be seen."""


class Cgroupfs(NamedTuple):
    """The hierarchies of control groups that we have mounted."""

    hierarchies: tuple[Hierarchy, ...]

    @property
    def layout(self) -> str:
        """``v2``, ``v1``, ``hybrid`` (v1 controllers beside a v2 tree) or ``none``, as systemd
        calls them."""
        versions = {hierarchy.version for hierarchy in self.hierarchies}
        return {(1,): "v1", (2,): "v2", (1, 2): "hybrid"}.get(tuple(sorted(versions)), "none")

    def place(self, cgroups: Iterable[CgroupPath], controller: str) -> Place | None:
        """Return where the files of one controller (``memory``, ``name=systemd``) are for a task.

        A v1 hierarchy that has the controller goes before v2. None when it is not mounted, or not
        that far up.
        """
        unified = None
        for cgroup in cgroups:
            if controller in cgroup.controllers.split(","):
                return self._find(1, cgroup.path, controller)
            if cgroup.hierarchy == 0:
                unified = cgroup.path
        return None if unified is None else self._find(2, unified, controller)

    def directory(self, cgroups: Iterable[CgroupPath], controller: str) -> str | None:
        """Return the directory of `place`."""
        place = self.place(cgroups, controller)
        return None if place is None else place.directory

    def unified_directory(self, cgroups: Iterable[CgroupPath]) -> str | None:
        """Return where a task is in the v2 hierarchy, whatever controllers that has."""
        path = next((cgroup.path for cgroup in cgroups if cgroup.hierarchy == 0), None)
        place = None if path is None else self._find(2, path, "")
        return None if place is None else place.directory

    def freezer_files(self, cgroups: Iterable[CgroupPath]) -> Iterator[str]:
        """Give the paths of the files of which one `says_frozen` where a task is paused.

        v1's freezer.state tells of the cgroups above, too (freezer-subsystem.rst). v2's
        cgroup.events tells of those above once all tasks have stopped, and cgroup.freeze of this
        one at once. The root has neither (cgroup-v2.rst).
        """
        cgroups = tuple(cgroups)
        path = next((one.path for one in cgroups if "freezer" in one.controllers.split(",")), None)
        place = None if path is None else self._find(1, path, "freezer")
        if place is not None:
            yield os.path.join(place.directory, "freezer.state")
        directory = self.unified_directory(cgroups)
        if directory is not None:
            yield os.path.join(directory, "cgroup.events")
            yield os.path.join(directory, "cgroup.freeze")

    def read_frozen(self, cgroups: tuple[CgroupPath, ...]) -> bool:
        """Say whether a task is frozen (paused), or about to be, by its cgroup or one above it."""
        return any(says_frozen(read_file(path)) for path in self.freezer_files(cgroups))

    def _find(self, version: int, path: str, controller: str) -> Place | None:
        for hierarchy in self.hierarchies:
            if hierarchy.version == version and (version == 2 or controller in hierarchy.options):
                directory = hierarchy.directory(path)
                if directory is not None:
                    return Place(version, directory, hierarchy.target)
        return None


def says_frozen(data: bytes | None) -> bool:
    """Whether one of `Cgroupfs.freezer_files` says that somebody pauses its tasks."""
    return data is not None and not _STOPPED.isdisjoint(data.split(b"\n"))


def find_hierarchies(mounts: Iterable[Mount]) -> tuple[Hierarchy, ...]:
    """Pick the mounts of control groups out of a mount table, in its order."""
    versions = {"cgroup": 1, "cgroup2": 2}
    return tuple(
        Hierarchy(
            version=versions[mount.fstype],
            options=frozenset(mount.super_options),
            root=mount.root,
            target=mount.target,
        )
        for mount in mounts
        if mount.fstype in versions
    )


def read_cgroupfs(mountinfo: str = "/proc/self/mountinfo") -> Cgroupfs:
    """Find the hierarchies of our own mount namespace, the one in which we open files."""
    with open(mountinfo, "rb") as file:
        return Cgroupfs(find_hierarchies(parse_mountinfo(file.read())))


@cache
def own_cgroupfs() -> Cgroupfs:
    """Return `read_cgroupfs` as it was at first: hosts mount control groups once, at boot."""
    return read_cgroupfs()


def directory(cgroups: Iterable[CgroupPath], controller: str) -> str | None:
    """Return `Cgroupfs.directory` of our own mounts."""
    return own_cgroupfs().directory(cgroups, controller)


def read_frozen(cgroups: tuple[CgroupPath, ...]) -> bool:
    """Return `Cgroupfs.read_frozen` of our own mounts."""
    return own_cgroupfs().read_frozen(cgroups)
