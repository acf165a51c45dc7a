"""Procfs: what is gone, what is refused, what is silent, and how much is read."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest
from support.descriptors import open_descriptors

from nsview.kernel.procfs import Procfs

OURSELVES = os.getpid()


@pytest.fixture(scope="module")
def gone() -> int:
    """The PID of a process that has ended and was waited for."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_pids_are_the_processes_ascending(tmp_path: Path) -> None:
    for name in ("100", "9", "1", "self", "sys", "uptime"):
        (tmp_path / name).mkdir()
    assert Procfs(str(tmp_path)).pids() == [1, 9, 100]
    assert OURSELVES in Procfs().pids()


def test_threads() -> None:
    listed = sorted(int(tid) for tid in os.listdir(f"/proc/{OURSELVES}/task"))
    assert Procfs().threads(OURSELVES) == listed


def test_a_process_that_is_gone(gone: int) -> None:
    procfs = Procfs()
    assert procfs.read(gone, "stat") is None
    assert procfs.read_record(gone, "stat") is None
    assert procfs.read_link(gone, "cwd") is None
    assert procfs.threads(gone) == []


def test_a_process_that_ends_between_open_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open succeeds, and the first read(2) of a process that was waited for fails."""
    read, ended = os.read, []

    def read_late(descriptor: int, length: int) -> bytes:
        child.kill()
        child.wait()
        with pytest.raises(ProcessLookupError) as caught:
            read(descriptor, length)
        ended.append(caught.value.errno)
        raise caught.value

    for method in (Procfs().read, Procfs().read_record):
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child, monkeypatch.context() as m:
            m.setattr(os, "read", read_late)
            assert method(child.pid, "stat") is None
    assert ended == [errno.ESRCH] * 2


def test_what_is_no_directory_is_nothing() -> None:
    assert Procfs().read_global("version/below") == b""
    assert Procfs().read_global("no such file") == b""


def test_files_of_several_pages_are_whole(tmp_path: Path) -> None:
    text = os.urandom(300_000)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "mountinfo").write_bytes(text)
    procfs = Procfs(str(tmp_path))
    assert procfs.read(7, "mountinfo") == text
    assert procfs.read(7, "mountinfo", limit=70_000) == text[:70_000]
    assert procfs.read(7, "mountinfo", limit=0) == b""


def test_short_reads_are_no_end() -> None:
    """The kernel gives kallsyms, as a mount table, a page at a time."""
    with open("/proc/kallsyms", "rb") as file:
        assert len(Procfs().read_global("kallsyms")) == len(file.read())


@pytest.mark.parametrize("error", [errno.EINVAL, errno.EIO, errno.ENAMETOOLONG, errno.ESRCH])
@pytest.mark.parametrize("method", ["read", "read_record"])
def test_errors_of_the_read_itself(
    monkeypatch: pytest.MonkeyPatch, method: str, error: int
) -> None:
    def fail(descriptor: int, length: int) -> bytes:
        raise OSError(error, os.strerror(error))

    before = open_descriptors()
    with monkeypatch.context() as patch:
        patch.setattr(os, "read", fail)
        answer = getattr(Procfs(), method)(OURSELVES, "cgroup")
    assert answer == (None if error == errno.ESRCH else b"")
    assert open_descriptors() == before


def test_what_is_refused_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    procfs = Procfs()
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "readlink", refuse)
    for method in (procfs.read, procfs.read_record, procfs.read_link):
        with pytest.raises(PermissionError):
            method(1, "environ")


def test_a_link_of_more_than_a_page_is_not_shown(tmp_path: Path) -> None:
    """A process may stand in a directory whose path the kernel cannot print."""
    levels, name = 20, "d" * 250
    here, step = os.open(".", os.O_PATH), os.open(tmp_path, os.O_PATH)
    steps = [step]
    try:
        for _ in range(levels):
            os.mkdir(name, dir_fd=step)
            step = os.open(name, os.O_PATH, dir_fd=step)
            steps.append(step)
        os.fchdir(step)
        with pytest.raises(OSError, match="too long"):
            os.readlink("/proc/self/cwd")
        assert Procfs().read_link(OURSELVES, "cwd") is None
    finally:
        os.fchdir(here)
        for above in reversed(steps[:-1]):
            os.rmdir(name, dir_fd=above)
        for descriptor in (here, *steps):
            os.close(descriptor)


def test_places() -> None:
    procfs = Procfs("/captured")
    assert procfs.path(7) == "/captured/7"
    assert procfs.path("self", "ns/net") == "/captured/self/ns/net"
