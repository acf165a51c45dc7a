"""/proc/PID/cgroup: v1, v2, hybrid, and paths that were made to confuse."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.cgroup import parse_cgroup, preferred_path
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import CgroupPath

DOCKER = b"0::/system.slice/docker-" + b"a" * 64 + b".scope\n"
#: A host with the v1 controllers, and a v2 hierarchy beside them that systemd does not use.
HYBRID = b"""\
9:name=systemd:/machine.slice/libpod-1.scope
8:pids:/pids
4:memory:/memory
2:cpu,cpuacct:/
0::/
"""


def test_unified() -> None:
    path = "/system.slice/docker-" + "a" * 64 + ".scope"
    assert parse_cgroup(DOCKER) == (CgroupPath(0, "", path),)
    assert preferred_path(parse_cgroup(DOCKER)) == path


def test_hybrid() -> None:
    cgroups = parse_cgroup(HYBRID)
    assert cgroups[0] == CgroupPath(9, "name=systemd", "/machine.slice/libpod-1.scope")
    assert cgroups[3:] == (CgroupPath(2, "cpu,cpuacct", "/"), CgroupPath(0, "", "/"))


@pytest.mark.parametrize(
    ("lines", "preferred"),
    [
        (HYBRID, "/machine.slice/libpod-1.scope"),
        (HYBRID.replace(b"0::/", b"0::/unified"), "/unified"),
        (b"9:name=systemd:/\n8:pids:/pids\n4:memory:/memory\n0::/\n", "/memory"),
        (b"8:pids:/pids\n4:cpu,memory:/\n", "/pids"),
        (b"4:cpu,memory:/together\n", "/together"),
        (b"3:cpuset:/only\n0::/\n", "/"),
        (b"0::/\n", "/"),
        (b"", ""),
    ],
)
def test_the_path_that_says_most(lines: bytes, preferred: str) -> None:
    assert preferred_path(parse_cgroup(lines)) == preferred


def test_colons_belong_to_the_path() -> None:
    (line,) = parse_cgroup(b"0::/system.slice/containerd.service/x.slice:cri-containerd:abc\n")
    assert line.path == "/system.slice/containerd.service/x.slice:cri-containerd:abc"


def test_a_removed_cgroup_is_given_as_it_was() -> None:
    assert parse_cgroup(b"0::/docker/web (deleted)\n") == parse_cgroup(b"0::/docker/web\n")
    # In the middle it is a name.
    assert preferred_path(parse_cgroup(b"0::/a (deleted)/b\n")) == "/a (deleted)/b"


def test_bytes_that_are_no_text_are_kept() -> None:
    (line,) = parse_cgroup(b"0::/\xff\x1b[31m\n")
    assert os.fsencode(line.path) == b"/\xff\x1b[31m"


def test_equal_texts_give_the_same_object() -> None:
    assert parse_cgroup(bytes(HYBRID)) is parse_cgroup(bytes(bytearray(HYBRID)))


@pytest.mark.parametrize("line", [b"", b"0", b"0:", b"x::/a", b":memory:/a", b"-1::/a", b"\n\n"])
def test_malformed_lines_are_left_out(line: bytes) -> None:
    assert parse_cgroup(line + b"\n" + DOCKER) == parse_cgroup(DOCKER)


NAME = st.text(st.characters(exclude_characters="\0\n", codec="utf-8"), min_size=1)


@given(st.lists(NAME, min_size=1))
def test_any_path_comes_back(names: list[str]) -> None:
    path = "/" + "/".join(names)
    if path.endswith(" (deleted)"):
        path += "_"
    (line,) = parse_cgroup(b"0::" + path.encode() + b"\n")
    assert line.path == path


@given(st.binary() | st.binary().map(lambda noise: b"0::" + noise))
def test_anything_else_is_a_value_error(data: bytes) -> None:
    try:
        preferred_path(parse_cgroup(data))
    except ValueError:
        return


def test_ourselves() -> None:
    data = Procfs().read_record(os.getpid(), "cgroup")
    assert data is not None
    rebuilt = "".join(
        f"{one.hierarchy}:{one.controllers}:{one.path}\n" for one in parse_cgroup(data)
    )
    assert rebuilt == os.fsdecode(data)
