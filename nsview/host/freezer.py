"""Which control groups are paused: asked at every look, for nothing else betrays it."""

from __future__ import annotations

from nsview.kernel.cgroup_files import Read
from nsview.kernel.cgroupfs import Cgroupfs, says_frozen
from nsview.kernel.task import CgroupPath
from nsview.light import cache
from nsview.typed import Callable


class Freezer:
    """Remembers where the files are of whom it was asked about at the last look."""

    def __init__(self, cgroupfs: Cgroupfs, read: Read) -> None:
        self._cgroupfs = cgroupfs
        self._read = read
        self._paths: dict[tuple[CgroupPath, ...], tuple[str, ...]] = {}

    def look(self) -> Callable[[tuple[CgroupPath, ...]], bool]:
        """What says of a task's groups whether they are frozen; it asks once for each."""
        before, self._paths = self._paths, {}

        def read_frozen(cgroups: tuple[CgroupPath, ...]) -> bool:
            paths = before.get(cgroups) or tuple(self._cgroupfs.freezer_files(cgroups))
            self._paths[cgroups] = paths
            return any(says_frozen(self._read(path)) for path in paths)

        return cache(read_frozen)
