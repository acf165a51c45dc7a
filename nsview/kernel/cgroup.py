"""/proc/PID/cgroup: where a process is in each hierarchy of control groups. cgroups(7)."""

from __future__ import annotations

import os

from nsview.kernel.task import CgroupPath
from nsview.light import lru_cache

#: Of several v1 hierarchies, those that every engine and systemd use.
_PREFERRED_CONTROLLERS = ("name=systemd", "memory", "pids")
#: What fs/proc appends to a v2 path that has been removed under a zombie.
_DELETED = " (deleted)"


@lru_cache(maxsize=8192)
def parse_cgroup(data: bytes) -> tuple[CgroupPath, ...]:
    """Parse lines of ``hierarchy:controllers:path``; malformed ones are left out.

    The path may hold colons (containerd writes ``slice:cri-containerd:ID``); the kernel refuses
    newlines in it. One that has been removed, under a zombie, is given as it was: the process still
    belongs there. Equal texts give the same object.
    """
    lines = []
    for line in os.fsdecode(data).split("\n"):
        hierarchy, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if colon and hierarchy.isascii() and hierarchy.isdigit():
            lines.append(CgroupPath(int(hierarchy), controllers, path.removesuffix(_DELETED)))
    return tuple(lines)


@lru_cache(maxsize=8192)
def preferred_path(cgroups: tuple[CgroupPath, ...]) -> str:
    """The path that says most: the unified hierarchy's unless that is ``/``, then systemd's own,
    then memory's or pids'; ``/`` when all are; empty without any."""
    by_name = {}
    for line in cgroups:
        for controller in line.controllers.split(","):
            by_name[controller] = line.path
    unified = next((line.path for line in cgroups if line.hierarchy == 0), "")
    candidates = (unified, *(by_name.get(name, "") for name in _PREFERRED_CONTROLLERS))
    said = [path for path in candidates if path not in ("", "/")]
    return said[0] if said else "/" if cgroups else ""
