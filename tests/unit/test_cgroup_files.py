"""Descriptors that are kept, and let go."""

from __future__ import annotations

from pathlib import Path

from support.descriptors import open_descriptors

from nsview.kernel.cgroup_files import KeptFiles, read_file
from nsview.kernel.cgroup_pids import read_pids, read_pids_limit
from nsview.kernel.cgroupfs import Place


def test_news_are_read_through_the_same_descriptor(tmp_path: Path) -> None:
    files, path = KeptFiles(), tmp_path / "pids.current"
    path.write_text("1\n")
    assert files.read(str(path)) == b"1\n"
    path.write_text("22\n")

    assert files.read(str(path)) == b"22\n"
    assert len(files) == 1


def test_missing_file_is_nothing(tmp_path: Path) -> None:
    files = KeptFiles()

    assert files.read(str(tmp_path / "memory.max")) is None
    assert read_file(str(tmp_path / "memory.max")) is None
    assert len(files) == 0


def test_what_the_kernel_opens_and_will_not_read_is_nothing(tmp_path: Path) -> None:
    files = KeptFiles()

    assert files.read(str(tmp_path)) is None  # EISDIR stands for ENODEV and EOPNOTSUPP
    assert read_file(str(tmp_path)) is None
    assert len(files) == 0


def test_sweep_closes_what_was_not_asked_for(tmp_path: Path) -> None:
    files = KeptFiles()
    for name in "ab":
        (tmp_path / name).write_text(name)
        files.read(str(tmp_path / name))
    files.sweep()
    files.read(str(tmp_path / "a"))
    files.sweep()

    assert len(files) == 1
    files.close()
    assert len(files) == 0


def test_beyond_the_limit_it_opens_each_time(tmp_path: Path) -> None:
    files = KeptFiles(most=1)
    before = len(open_descriptors())
    for name in "abc":
        (tmp_path / name).write_text(name)
        assert files.read(str(tmp_path / name)) == name.encode()

    assert len(files) == 1
    assert len(open_descriptors()) == before + 1
    files.close()


def test_pids(tmp_path: Path) -> None:
    place = Place(2, str(tmp_path), str(tmp_path))
    assert (read_pids(read_file, place), read_pids_limit(read_file, place)) == (None, None)
    (tmp_path / "pids.current").write_text("9\n")
    (tmp_path / "pids.max").write_text("max\n")
    assert (read_pids(read_file, place), read_pids_limit(read_file, place)) == (9, None)
    (tmp_path / "pids.max").write_text("64\n")
    assert read_pids_limit(read_file, place) == 64
