"""Branches of aufs: a line of moby/sys's tests, and sysfs as aufs's documentation has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.aufs import Branch, parse_branch, parse_branch_options, read_branches
from nsview.kernel.mountinfo import parse_mountinfo

LINE = (
    b"149 138 0:42 / / rw,relatime - aufs none rw,si=caafa548068e525,dio,dirperm1\n"
)  # fmt: skip
(MOUNT,) = parse_mountinfo(LINE)


def branches(sysfs: Path, *texts: str) -> Path:
    home = sysfs / "fs/aufs/si_caafa548068e525"
    home.mkdir(parents=True)
    for number, text in enumerate(texts):
        (home / f"br{number}").write_text(text)
        (home / f"brid{number}").write_text("64\n")
    (home / "xi_path").write_text("/dev/shm/aufs.xino\n")
    return sysfs


def test_from_sysfs(tmp_path: Path) -> None:
    texts = ["/d/aufs/diff/top=rw\n", "/d/a=b=ro+wh\n", *[f"/d/{n}=ro+wh\n" for n in range(2, 12)]]
    found = read_branches(MOUNT.super_options, str(branches(tmp_path, *texts)))
    assert found is not None
    assert found[0] == Branch("/d/aufs/diff/top", "rw")
    assert found[1] == Branch("/d/a=b", "ro", ("wh",))
    assert [one.path for one in found[2:]] == [f"/d/{n}" for n in range(2, 12)]  # by number


def test_nothing_tells() -> None:
    assert read_branches(MOUNT.super_options, "/nonexistent") is None
    assert read_branches(("rw", "si=../../etc"), "/") is None


def test_from_the_options_where_sysfs_has_none() -> None:
    options = ("rw", "si=1", r"br:/a\040b=rw:/c=ro+wh:/d=rr")
    assert parse_branch_options(options) == (
        Branch("/a b", "rw"),
        Branch("/c", "ro", ("wh",)),
        Branch("/d", "rr"),
    )
    assert read_branches(options, "/nonexistent") == parse_branch_options(options)


@pytest.mark.parametrize("text", ["", "/a", "/a=", "a=rw", "/a=rx", "=rw"])
def test_no_branch(text: str) -> None:
    assert parse_branch(text) is None


@given(st.text())
def test_any_text(text: str) -> None:
    parse_branch(text)
    parse_branch_options([text, f"br:{text}"])
