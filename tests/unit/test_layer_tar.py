"""Archives of plain directories: times, marks, files that change while they are read."""

from __future__ import annotations

import io
import os
import struct
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.idmap import IdRange
from nsview.layers import layer_tar
from nsview.layers.layer_tar import Owners, TarOptions, plain_capability, write_layer
from nsview.layers.layer_walk import Findings
from nsview.layers.merge import MergedTree
from nsview.layers.output_file import Digested
from nsview.layers.plain import stack_of_directories


class Pipe(io.BytesIO):
    """As stdout: one cannot go back in it."""

    def seekable(self) -> bool:
        return False


def archive_of(
    upper: Path, lower: Path, out: io.BytesIO | None = None, options: TarOptions | None = None
) -> tuple[dict[str, tarfile.TarInfo], bytes, tuple[str, ...]]:
    out = io.BytesIO() if out is None else out
    findings = Findings()
    with MergedTree(stack_of_directories([str(upper), str(lower)])) as tree:
        write_layer(tree, Digested(out), findings, options or TarOptions())
    data = out.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {one.name: one for one in archive.getmembers()}, data, findings.notes


@pytest.fixture
def layers(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("upper", "lower"):
        (tmp_path / name).mkdir()
    return tmp_path / "upper", tmp_path / "lower"


def test_order_and_links(layers: tuple[Path, Path]) -> None:
    upper, lower = layers
    (upper / "b").mkdir()
    for name in ("b/x", "a-b", "c", "b-c"):
        (upper / name).write_text(name)
    os.link(upper / "c", upper / "b/first")
    (lower / "only").write_text("below")
    members, _, notes = archive_of(*layers)
    assert list(members) == ["a-b", "b", "b/first", "b/x", "b-c", "c"]
    assert (members["c"].type, members["c"].linkname) == (tarfile.LNKTYPE, "b/first")
    assert notes == ()


def test_the_same_twice_and_times(layers: tuple[Path, Path]) -> None:
    upper, _ = layers
    for name, time in (("new", 2_000_000_000), ("old", 1)):
        (upper / name).write_text(name)
        os.utime(upper / name, ns=(0, time * 10**9 + 999_999_999))
    members, first, _ = archive_of(*layers, options=TarOptions(latest=1000))
    assert [members[name].mtime for name in ("new", "old")] == [1000, 1]
    assert archive_of(*layers, options=TarOptions(latest=1000))[1] == first
    assert archive_of(*layers)[0]["new"].mtime == 2_000_000_000


def test_a_changed_root_is_in_it(layers: tuple[Path, Path]) -> None:
    assert "." not in archive_of(*layers)[0]
    layers[0].chmod(0o711)
    assert archive_of(*layers)[0]["."].mode == 0o711


def test_names_that_an_image_would_delete_by(layers: tuple[Path, Path]) -> None:
    upper, _ = layers
    (upper / ".wh.precious").mkdir()
    (upper / ".wh.precious/inside").write_text("x")
    (upper / ".wh..wh..opq").write_text("x")
    (upper / ".whatever").write_text("x")
    members, _, notes = archive_of(*layers)
    assert list(members) == [".whatever"]
    assert len(notes) == 1
    assert notes[0].endswith(": /.wh..wh..opq and 1 more")


def test_ids_inside(layers: tuple[Path, Path]) -> None:
    (layers[0] / "file").write_text("x")
    owner = (layers[0] / "file").stat()
    owners = Owners(uids=(IdRange(7, owner.st_uid, 1),), gids=(IdRange(8, owner.st_gid, 1),))
    member = archive_of(*layers, options=TarOptions(owners=owners))[0]["file"]
    assert (member.uid, member.gid) == (7, 8)
    assert Owners(uids=(IdRange(0, 100000, 10),)).inside(100003, 5) == (3, 5)
    assert Owners(uids=(IdRange(0, 100000, 10),)).inside(200000, 5) == (200000, 5)


@pytest.mark.parametrize("out", [io.BytesIO, Pipe])
@pytest.mark.parametrize("times", [1, 99])
@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite"])
def test_a_file_that_changes(
    layers: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    out: type[io.BytesIO],
    times: int,
    change: str,
) -> None:
    """The archive stays readable; where one can go back, the second attempt is the right one."""
    upper, _ = layers
    victim = upper / "file"
    victim.write_bytes(b"1" * 3000)
    (upper / "later").write_text("later")
    left = times
    real = os.pread

    def pread(fd: int, size: int, offset: int) -> bytes:
        nonlocal left
        data = real(fd, min(size, 1000), offset)
        if left and os.path.samestat(os.fstat(fd), victim.stat()):
            left -= 1
            length = victim.stat().st_size
            if change == "grow":
                with victim.open("ab") as file:
                    file.write(b"2" * 10)
            elif change == "shrink":
                os.truncate(victim, max(0, length - 700))
            else:
                victim.write_bytes(b"%d" % (left % 10) * length)
        return data

    monkeypatch.setattr(layer_tar.os, "pread", pread)
    members, data, notes = archive_of(*layers, out=out())
    assert list(members) == ["file", "later"]
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        later = archive.extractfile("later")
        assert later is not None
        assert later.read() == b"later"
        stored = archive.extractfile("file")
        assert stored is not None
        content = stored.read()
    if times == 1 and out is io.BytesIO:
        assert notes == ()
        assert content == victim.read_bytes()
    else:
        assert notes == (f"{layer_tar.CHANGED}: /file",)


def test_a_file_that_vanishes(layers: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    upper, _ = layers
    for name in ("a", "b"):
        (upper / name).write_text(name)
    real = layer_tar.TarWriter.write

    def write(self: layer_tar.TarWriter, item: layer_tar.Item) -> None:
        (upper / "b").unlink(missing_ok=True)
        real(self, item)

    monkeypatch.setattr(layer_tar.TarWriter, "write", write)
    members, _, notes = archive_of(*layers)
    assert list(members) == ["a"]
    assert notes == (f"{layer_tar.GONE}: /b",)


def test_a_file_that_becomes_a_fifo(
    layers: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    upper, _ = layers
    (upper / "a").write_text("a")
    real = layer_tar.TarWriter.write

    def write(self: layer_tar.TarWriter, item: layer_tar.Item) -> None:
        (upper / "a").unlink()
        os.mkfifo(upper / "a")  # opening it would wait for ever
        real(self, item)

    monkeypatch.setattr(layer_tar.TarWriter, "write", write)
    assert archive_of(*layers)[2] == (f"{layer_tar.GONE}: /a",)


@given(st.binary(max_size=40))
def test_any_capability(value: bytes) -> None:
    assert len(plain_capability(value)) <= max(20, len(value))


def test_capabilities_lose_their_user_namespace() -> None:
    three = struct.pack("<6I", 0x03000001, 1 << 13, 0, 0, 0, 100000)
    two = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)
    assert plain_capability(three) == two
    assert plain_capability(two) == two
