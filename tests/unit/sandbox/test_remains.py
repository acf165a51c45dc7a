"""Removing what a sandbox wrote: nothing is followed, and nothing is too deep."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nsview.sandbox.remains import remove_cgroup, remove_tree


def test_deep_wide_and_odd(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    directory = os.open(top, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=directory)
        (os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=directory)))
        inner = os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = inner
    os.close(directory)
    for name in (b"\xff", b"a\nb", b".removed-1-1", b"x" * 255):
        os.mkdir(os.path.join(os.fsencode(top), name))
        Path(os.fsdecode(os.path.join(os.fsencode(top), name)), "in").touch()
    os.mkfifo(top / "pipe")
    assert remove_tree(str(top)) == []
    assert not top.exists()


def test_the_lock_goes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else ``nsview rm --force`` would begin while the launcher is at it."""
    top = tmp_path / "top"
    top.mkdir()
    for name in ("a", "config.json", "lock", "z"):
        (top / name).touch()
    removed: list[bytes] = []
    unlink = os.unlink

    def note(name: bytes, *, dir_fd: int) -> None:
        removed.append(name)
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", note)
    assert remove_tree(str(top), last=b"lock") == []
    assert (len(removed), removed[-1]) == (4, b"lock")


def test_links_are_not_followed(tmp_path: Path) -> None:
    keep = tmp_path / "keep"
    keep.mkdir()
    (keep / "file").touch()
    top = tmp_path / "top"
    (top / "inner").mkdir(parents=True)
    (top / "link").symlink_to(keep)
    (top / "inner/link").symlink_to(keep)
    assert remove_tree(str(top)) == []
    assert (keep / "file").exists()
    link = tmp_path / "link"
    link.symlink_to(keep)
    assert remove_tree(str(link)) != []
    assert (keep / "file").exists()


def test_what_is_not_there(tmp_path: Path) -> None:
    assert remove_tree(str(tmp_path / "none")) == []
    assert remove_cgroup(str(tmp_path / "none"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove anything")
def test_what_resists_is_said(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "a").mkdir(parents=True)
    (top / "a/file").touch()
    (top / "a").chmod(0o500)
    try:
        assert remove_tree(str(top)) != []
    finally:
        (top / "a").chmod(0o700)
