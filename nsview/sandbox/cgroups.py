"""Control groups of a sandbox: ``nsview/ID`` in every hierarchy, with its limits.

cgroups(7), Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
"""

from __future__ import annotations

import errno
import os

from nsview.kernel.cgroup import parse_cgroup
from nsview.kernel.cgroupfs import Hierarchy, own_cgroupfs
from nsview.kernel.task import CgroupPath
from nsview.light import suppress
from nsview.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsview.sandbox.spec import Limits

GROUP: Final = "nsview"
_CONTROLLERS: Final = ("cpu", "memory", "pids")
_PERIOD_MICROSECONDS: Final = 100_000
_MODE: Final = 0o755
_ATTEMPTS: Final = 10


class Groups:
    """The control groups that were made, one in each hierarchy."""

    def __init__(self) -> None:
        self.directories: list[tuple[str, int]] = []
        """With the version of each hierarchy."""
        self.mounts: list[tuple[str, Hierarchy, str]] = []
        """What a sandbox sees of them: a name, the hierarchy, its controllers."""
        self.refused: list[str] = []
        """What the host did not allow, in words."""


def make_groups(sandbox: str, limits: Limits) -> Groups:
    """Make the control groups of a sandbox, and set its limits."""
    groups = Groups()
    if os.geteuid():
        groups.refused.append("no limits, of processes neither: control groups are root's to make")
        return groups
    wanted = _wanted(limits)
    for hierarchy in own_cgroupfs().hierarchies:
        if "cpuset" in hierarchy.options and hierarchy.version == 1:
            continue  # a new one has no processors, and nobody can join it
        directory = os.path.join(hierarchy.target, GROUP, sandbox)
        try:
            _make(hierarchy, directory)
        except FileExistsError:  # by another mount of the same hierarchy
            continue
        except OSError as error:
            if hierarchy.version == 2 or wanted.keys() & hierarchy.options:
                groups.refused.append(f"control group {directory}: {error.strerror}")
            continue
        groups.directories.append((directory, hierarchy.version))
        for controller in list(wanted):
            if _set(directory, hierarchy, controller, wanted[controller], groups):
                del wanted[controller]
    groups.refused += [f"limit of {controller}: no such controller" for controller in wanted]
    groups.mounts = _visible([directory for directory, _ in groups.directories])
    return groups


def _wanted(limits: Limits) -> dict[str, float]:
    """Controllers that have something to limit."""
    values = {"memory": limits.memory, "cpu": limits.cpus, "pids": limits.pids}
    return {name: value for name, value in values.items() if value is not None}


def _make(hierarchy: Hierarchy, directory: str) -> None:
    parent = os.path.dirname(directory)
    for _ in range(_ATTEMPTS):
        with suppress(FileExistsError):
            os.mkdir(parent, _MODE)
        try:
            if hierarchy.version == 2:
                for above in (hierarchy.target, parent):
                    _enable(above)
            os.mkdir(directory, _MODE)
        except FileNotFoundError:  # `nsview gc` removes an empty parent
            continue
        return
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _enable(directory: str) -> None:
    """Let the groups below have what controllers there are; EBUSY where processes are in it."""
    with open(os.path.join(directory, "cgroup.controllers"), encoding="ascii") as file:
        there = file.read().split()
    for controller in _CONTROLLERS:
        if controller in there:
            with suppress(OSError):
                _write(directory, "cgroup.subtree_control", f"+{controller}")


def _set(
    directory: str, hierarchy: Hierarchy, controller: str, value: float, groups: Groups
) -> bool:
    """Set a limit where this hierarchy has the controller; says whether it has."""
    quota = f"{max(1000, int(value * _PERIOD_MICROSECONDS))}"
    files = {
        (1, "memory"): ("memory.limit_in_bytes", f"{value:.0f}"),
        (2, "memory"): ("memory.max", f"{value:.0f}"),
        (1, "pids"): ("pids.max", f"{value:.0f}"),
        (2, "pids"): ("pids.max", f"{value:.0f}"),
        (1, "cpu"): ("cpu.cfs_quota_us", quota),
        (2, "cpu"): ("cpu.max", f"{quota} {_PERIOD_MICROSECONDS}"),
    }
    name, text = files[hierarchy.version, controller]
    if not os.path.exists(os.path.join(directory, name)):
        return False
    try:
        _write(directory, name, text)
    except OSError as error:
        groups.refused.append(f"limit of {controller}: {error.strerror}")
    return True


def _write(directory: str, name: str, text: str) -> None:
    fd = os.open(os.path.join(directory, name), os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _visible(directories: list[str]) -> list[tuple[str, Hierarchy, str]]:
    """What to mount on /sys/fs/cgroup inside: the v2 tree, or a directory for each hierarchy.

    Only those in which it has a group of its own: in others it would see everybody's.
    """
    with open("/proc/self/cgroup", "rb") as file:
        lines = parse_cgroup(file.read())
    hierarchies = [
        one
        for one in own_cgroupfs().hierarchies
        if any(directory.startswith(f"{one.target}/{GROUP}/") for directory in directories)
    ]
    if all(one.version == 2 for one in hierarchies):
        return [("", hierarchies[0], "")] if hierarchies else []
    found = {}
    for one in hierarchies:
        line = next((line for line in lines if _is_of(line, one)), None)
        if line is not None:
            found[os.path.basename(one.target)] = (one, line.controllers)
    return [(name, *rest) for name, rest in found.items()]


def _is_of(line: CgroupPath, hierarchy: Hierarchy) -> bool:
    if hierarchy.version == 2:
        return line.hierarchy == 0
    return line.hierarchy != 0 and hierarchy.options.issuperset(line.controllers.split(","))
