"""Files that change while they are read, and files that do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.descriptors import open_descriptors

from nsview.engines import disk
from nsview.engines.disk import ParsedFiles, open_folder, read_file
from nsview.kernel.safe_open import on_host


class Writer:
    """Writes to a file each time somebody has just read it."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
        self.file, self.times, self.writes = file, times, 0
        self.read: Callable[[int, int], bytes] = disk._read_up_to
        monkeypatch.setattr(disk, "_read_up_to", self)

    def __call__(self, descriptor: int, size: int) -> bytes:
        data = self.read(descriptor, size)
        if self.writes < self.times:
            self.writes += 1
            self.file.write_bytes(b"transaction %d" % self.writes)
        return data


def test_reads_again_when_the_writer_was_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "meta.db"
    file.write_bytes(b"transaction 0")
    Writer(file, monkeypatch, times=1)
    assert read_file(str(tmp_path), "meta.db") == b"transaction 1"


def test_keeps_what_it_knew_when_the_writer_is_always_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "meta.db"
    file.write_bytes(b"transaction 0")
    files = ParsedFiles(bytes)
    with open_folder(str(tmp_path), "/") as folder:
        assert folder is not None
        assert files.get(folder, "meta.db") == b"transaction 0"
        Writer(file, monkeypatch, times=1000)
        assert files.get(folder, "meta.db") == b"transaction 0"
        monkeypatch.undo()
        assert files.get(folder, "meta.db") == file.read_bytes()
    assert read_file(str(tmp_path), "meta.db", limit=3) == b""


def test_folder_is_closed(tmp_path: Path) -> None:
    before = open_descriptors()
    for path in ("/", "/missing", "/file", "/a\0b"):
        with open_folder(str(tmp_path), path):
            pass
    read_file(str(tmp_path), "missing")
    (tmp_path / "file").write_bytes(b"x")
    read_file(str(tmp_path), "file")
    assert open_descriptors() == before


def test_links_do_not_leave_the_root(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "root/up").symlink_to("../secret")
    (tmp_path / "root/absolute").symlink_to(tmp_path / "secret")
    assert read_file(str(tmp_path / "root"), "up") == b""
    assert read_file(str(tmp_path / "root"), "absolute") == b""


def test_where_a_root_is_on_the_host() -> None:
    assert on_host("/", "/var/lib/docker") == "/var/lib/docker"
    assert on_host("/proc/7/root", "/var/lib/docker") == "/proc/7/root/var/lib/docker"
