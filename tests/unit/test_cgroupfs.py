"""Directories and frozen states of control groups, from mount tables and trees."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.cgroupfs import Cgroupfs, Hierarchy, find_hierarchies, read_cgroupfs
from nsview.kernel.mountinfo import parse_mountinfo
from nsview.kernel.task import CgroupPath

HYBRID = b"""\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
37 31 0:34 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
"""
UNIFIED = b"30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
PASSED_IN = b"32 31 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
OLDER_THAN_THE_NAMESPACE = b"30 23 0:26 /../.. /host/cgroup rw - cgroup2 cgroup2 rw\n"


def cgroupfs(table: bytes) -> Cgroupfs:
    return Cgroupfs(find_hierarchies(parse_mountinfo(table)))


def both(v1: str, path: str, v2: str | None = None) -> tuple[CgroupPath, ...]:
    unified = (CgroupPath(0, "", v2),) if v2 is not None else ()
    return (CgroupPath(4, v1, path), *unified)


@pytest.mark.parametrize(
    ("table", "cgroups", "controller", "expected"),
    [
        (HYBRID, both("memory", "/docker/x", "/"), "memory", "/sys/fs/cgroup/memory/docker/x"),
        (HYBRID, both("cpu,cpuacct", "/a:b"), "cpuacct", "/sys/fs/cgroup/cpu,cpuacct/a:b"),
        (HYBRID, both("name=systemd", "/"), "name=systemd", "/sys/fs/cgroup/systemd"),
        (HYBRID, both("memory", "/", "/u"), "io", "/sys/fs/cgroup/unified/u"),
        (HYBRID, both("pids", "/p", "/u"), "pids", None),  # v1 has it, but not mounted
        (HYBRID, both("memory", "/m"), "io", None),
        (UNIFIED, both("x", "/", "/s.slice/d.scope"), "memory", "/sys/fs/cgroup/s.slice/d.scope"),
        (UNIFIED, both("x", "/", "/../peer"), "memory", None),  # beside our cgroup namespace
        (PASSED_IN, both("memory", "/docker/abc"), "memory", "/sys/fs/cgroup/memory"),
        (PASSED_IN, both("memory", "/docker/abc/sub"), "memory", "/sys/fs/cgroup/memory/sub"),
        (PASSED_IN, both("memory", "/docker/abcd"), "memory", None),
        (OLDER_THAN_THE_NAMESPACE, both("x", "/", "/../../p"), "memory", "/host/cgroup/p"),
        (OLDER_THAN_THE_NAMESPACE, both("x", "/", "/../../../p"), "memory", None),
        (OLDER_THAN_THE_NAMESPACE, both("x", "/", "/own"), "memory", None),
        (b"", both("memory", "/", "/"), "memory", None),
    ],
)
def test_directory(
    table: bytes, cgroups: tuple[CgroupPath, ...], controller: str, expected: str | None
) -> None:
    assert cgroupfs(table).directory(cgroups, controller) == expected


def test_the_mount_that_reaches_is_taken() -> None:
    table = PASSED_IN + HYBRID
    assert cgroupfs(table).directory(both("memory", "/b"), "memory") == "/sys/fs/cgroup/memory/b"


def test_own_mounts_are_found() -> None:
    found = read_cgroupfs().hierarchies
    assert {one.version for one in found} <= {1, 2}
    if not found:
        pytest.skip("no control groups are mounted")
    assert all(Path(one.target, "cgroup.procs").exists() for one in found)


@given(st.text(), st.text())
def test_a_path_never_leaves_its_mount(root: str, path: str) -> None:
    place = Hierarchy(version=2, options=frozenset(), root=root, target="/t").directory(path)
    assert place is None or (place + "/").startswith("/t/")
    assert place is None or ".." not in place.split("/")


def tree(root: Path, path: str, **files: str) -> None:
    (root / path).mkdir(parents=True)
    for name, text in files.items():
        (root / path / name.replace("_", ".")).write_text(text)


@pytest.mark.parametrize(
    ("files", "frozen"),
    [
        ({"cgroup_events": "populated 1\nfrozen 1\n", "cgroup_freeze": "0\n"}, True),
        ({"cgroup_events": "populated 1\nfrozen 0\n", "cgroup_freeze": "1\n"}, True),
        ({"cgroup_events": "populated 1\nfrozen 0\n", "cgroup_freeze": "0\n"}, False),
        ({"cgroup_events": "populated 1\nfrozen 10\n"}, False),
        ({}, False),
    ],
)
def test_frozen_in_v2(tmp_path: Path, files: dict[str, str], frozen: bool) -> None:
    tree(tmp_path, "web", **files)
    place = Hierarchy(version=2, options=frozenset(), root="/", target=str(tmp_path))
    assert Cgroupfs((place,)).read_frozen((CgroupPath(0, "", "/web"),)) is frozen
    assert not Cgroupfs((place,)).read_frozen((CgroupPath(0, "", "/gone"),))


@pytest.mark.parametrize(
    ("state", "frozen"), [("FROZEN\n", True), ("FREEZING\n", True), ("THAWED\n", False)]
)
def test_frozen_in_v1(tmp_path: Path, state: str, frozen: bool) -> None:
    tree(tmp_path, "web", freezer_state=state)
    place = Hierarchy(
        version=1, options=frozenset({"rw", "freezer"}), root="/", target=str(tmp_path)
    )
    cgroups = (CgroupPath(6, "freezer", "/web"), CgroupPath(0, "", "/"))
    assert Cgroupfs((place,)).read_frozen(cgroups) is frozen
