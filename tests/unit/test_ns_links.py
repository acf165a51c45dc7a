"""The ten links of /proc/PID/ns, some of which may be missing."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.descriptors import open_descriptors

from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs

LINKS = (*KINDS, "pid_for_children", "time_for_children")


def capture(root: Path, pid: int | str, names: Iterable[str]) -> None:
    """Make the links of a process: kind:[1000 and its place in our order]."""
    directory = root / str(pid) / "ns"
    directory.mkdir(parents=True)
    for name in names:
        kind = name.removesuffix("_for_children")
        (directory / name).symlink_to(f"{kind}:[{1000 + LINKS.index(name)}]")


def test_in_the_order_of_the_kinds(tmp_path: Path) -> None:
    capture(tmp_path, 7, LINKS)
    assert read_namespaces(Procfs(str(tmp_path)), 7) == tuple(range(1000, 1010))


def test_a_kernel_without_time_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in LINKS if not name.startswith("time")]
    capture(tmp_path, "self", names)
    capture(tmp_path, 7, names)
    asked: list[object] = []
    readlink = os.readlink

    def count(path: bytes, *, dir_fd: int) -> bytes:
        asked.append(path)
        return readlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "readlink", count)
    found = read_namespaces(Procfs(str(tmp_path)), 7)
    assert found == (*range(1000, 1007), 0, 1008, 0)
    assert len(asked) == len(names)  # nothing is looked for in vain, nor twice


def test_a_child_namespace_without_a_first_process(tmp_path: Path) -> None:
    capture(tmp_path, "self", LINKS)
    capture(tmp_path, 7, [name for name in LINKS if name != "pid_for_children"])
    assert read_namespaces(Procfs(str(tmp_path)), 7) == (*range(1000, 1008), 0, 1009)


def test_links_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: bytes, *, dir_fd: int) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    capture(tmp_path, 7, LINKS)
    monkeypatch.setattr(os, "readlink", refuse)
    assert read_namespaces(Procfs(str(tmp_path)), 7) == (0,) * 10


def test_links_of_a_shape_that_nobody_knows(tmp_path: Path) -> None:
    directory = tmp_path / "7" / "ns"
    directory.mkdir(parents=True)
    for name in LINKS:
        (directory / name).symlink_to("elsewhere")
    assert read_namespaces(Procfs(str(tmp_path)), 7) == (0,) * 10


def test_a_process_that_is_gone() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert read_namespaces(Procfs(), process.pid) is None


def test_ourselves() -> None:
    before = open_descriptors()
    found = read_namespaces(Procfs(), os.getpid())
    expected = tuple(
        os.stat(f"/proc/self/ns/{name}").st_ino if os.path.exists(f"/proc/self/ns/{name}") else 0
        for name in LINKS
    )
    assert found == expected
    assert read_namespaces(Procfs(), os.getpid(), os.getpid()) == expected
    assert open_descriptors() == before
