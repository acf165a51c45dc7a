"""A file that is whole or not there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.errors import NsviewError
from nsview.layers import output_file
from nsview.layers.output_file import Digested, TargetExists, scratch_file, whole_file


@pytest.fixture(params=["nameless", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With O_TMPFILE, and as on file systems that do not know it."""
    if request.param == "named":
        # O_DIRECTORY alone: opening a directory for writing fails with EISDIR.
        monkeypatch.setattr(output_file.os, "O_TMPFILE", os.O_DIRECTORY, raising=False)
    return str(request.param)


def test_it_appears_at_the_end(way: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    with whole_file(str(target), mode=0o600) as file:
        file.write(b"content")
        assert not target.exists()
        assert len(os.listdir(tmp_path)) == (1 if way == "named" else 0)
    assert file.closed  # what is closed later complains on stderr, from Python 3.13 on
    assert target.read_bytes() == b"content"
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left(way: str, tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with whole_file(str(tmp_path / "out")) as file:
            file.write(b"x" * (3 << 20))
            raise error

    with pytest.raises(error):
        fail()
    assert os.listdir(tmp_path) == []


def test_nothing_is_overwritten(way: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("old")
    with pytest.raises(TargetExists, match="out exists"), whole_file(str(target)):
        raise AssertionError
    with whole_file(str(target), force=True) as file:
        file.write(b"new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["out"]


def test_what_comes_meanwhile_is_not_overwritten(way: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(TargetExists), whole_file(str(target)):
        target.write_text("theirs")
    assert target.read_text() == "theirs"
    assert os.listdir(tmp_path) == ["out"]


def test_only_files_and_links_are_replaced(way: str, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(NsviewError, match="is a directory"):
        whole_file(str(tmp_path / "directory"), force=True).__enter__()
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(NsviewError, match="no regular file"):
        whole_file(str(tmp_path / "fifo"), force=True).__enter__()
    (tmp_path / "link").symlink_to("precious")
    (tmp_path / "precious").write_text("precious")
    with whole_file(str(tmp_path / "link"), force=True) as file:
        file.write(b"new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "link").is_symlink()


def test_a_missing_directory_is_one_line(way: str, tmp_path: Path) -> None:
    with pytest.raises(NsviewError, match=r"cannot write .*/no/out: No such file or directory"):
        whole_file(str(tmp_path / "no/out")).__enter__()


def test_a_relative_name(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with whole_file("out") as file:
        file.write(b"x")
    assert (tmp_path / "out").read_bytes() == b"x"


@given(st.lists(st.tuples(st.binary(max_size=50), st.booleans()), max_size=8))
def test_digests_survive_going_back(pieces: list[tuple[bytes, bool]]) -> None:
    expected = b""
    with scratch_file() as file:
        file.write(b"before")
        out = Digested(file)
        for data, keep in pieces:
            mark = out.mark()
            out.write(data)
            if keep:
                expected += data
            else:
                out.go_back(mark)
        assert out.size == len(expected)
        assert out.digest == f"sha256:{hashlib.sha256(expected).hexdigest()}"
        file.seek(0)
        assert file.read() == b"before" + expected
