"""What a machine shows before and after: the proof that nothing was left behind."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from support import reaper
from support.processes import wait_until


def traces_of(name: str) -> list[str]:
    """Everything on this machine that still bears the name of a run."""
    found = [f"process {pid}" for pid in reaper.processes(name)]
    found += [f"cgroup {path}" for path in reaper.cgroup_directories() if name in path]
    found += [f"mount {row}" for row in _mounts() if name in row]
    found += [f"{reaper.PARENT}/{one}" for one in os.listdir(reaper.PARENT) if name in one]
    for directory, directories, files in os.walk("/run"):
        found += [f"{directory}/{one}" for one in directories + files if name in one]
    return found


def _mounts() -> set[str]:
    # Others' tests mount things in places of any name.
    return set(os.fsdecode(Path("/proc/self/mounts").read_bytes()).split("\n"))


def _links() -> set[str]:
    return set(os.listdir("/sys/class/net"))


def _empty_cgroups() -> set[str]:
    # One with processes in it is somebody else's: ours are dead.
    return {one for one in reaper.cgroup_directories() if not _populated(one)}


def _populated(cgroup: str) -> bool:
    for top, _, _ in os.walk(cgroup):
        with contextlib.suppress(OSError):
            if Path(top, "cgroup.procs").read_text():
                return True
    return False


def _runtime_files() -> set[str]:
    tops = ("/run/containerd", "/run/runc", "/run/lxc", "/run/systemd/nspawn", "/run/netns")
    return {
        f"{top}/{one}"
        for path in tops
        for top, dirs, files in os.walk(path)
        for one in dirs + files
    }


@contextlib.contextmanager
def nothing_new() -> Iterator[None]:
    """Check that a block leaves no mount, link, cgroup or runtime file that was not there before.

    What others on the machine take away meanwhile is fine; so is what they add and remove again,
    and what bears the name of a run: `traces_of` looks for that of the run in question.
    """
    before = (_mounts(), _links(), reaper.cgroup_directories(), _runtime_files())
    yield
    looks = (_mounts, _links, _empty_cgroups, _runtime_files)

    def new() -> list[str]:
        found = (one for look, old in zip(looks, before, strict=True) for one in look() - old)
        return [one for one in found if reaper.PREFIX not in one]

    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not new())
    if left := new():
        raise AssertionError(f"left behind: {left}")
