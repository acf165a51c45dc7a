"""How many tasks (processes and threads) a control group has, and may have. cgroup-v1/pids.rst."""

from __future__ import annotations

from nsview.kernel.cgroup_files import Read
from nsview.kernel.cgroup_format import parse_value
from nsview.kernel.cgroupfs import Place


def read_pids(read: Read, place: Place) -> int | None:
    """Tasks now; None where the controller is not there, or the group is gone."""
    data = read(f"{place.directory}/pids.current")
    return int(data) if data else None


def read_pids_limit(read: Read, place: Place) -> int | None:
    """The limit of this one group; None is unlimited, or not told."""
    data = read(f"{place.directory}/pids.max")
    return parse_value(data) if data else None
