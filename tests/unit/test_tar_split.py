"""A layer's archive is put together again, or said not to be."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import tempfile
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.errors import NsviewError
from nsview.layers.output_file import Digested
from nsview.layers.tar_split import Unfit, open_part, write_from_split

_Pieces = list[tuple[bytes | None, str, int]]


def split_of(pieces: list[dict[str, object]]) -> bytes:
    return gzip.compress(b"".join(json.dumps(one).encode() + b"\n" for one in pieces))


def put_together(packed: bytes, layer: Path) -> bytes:
    out = io.BytesIO()
    with tempfile.TemporaryFile() as split:
        split.write(packed)
        split.seek(0)
        fd = os.open(layer, os.O_PATH)
        try:
            write_from_split(split.fileno(), fd, Digested(out))
        finally:
            os.close(fd)
    return out.getvalue()


def segment(data: bytes) -> dict[str, object]:
    return {"type": 2, "payload": b64encode(data).decode()}


def test_files_and_what_is_between(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr/file").write_bytes(b"content")
    (tmp_path / "lib").symlink_to("/usr")
    with open(os.fsencode(tmp_path) + b"/\xff", "wb") as file:
        file.write(b"raw")
    pieces = [
        segment(b"head"),
        {"type": 1, "name": "./usr/file", "size": 7, "payload": "crc"},
        segment(b"middle"),
        {"type": 1, "name": "lib/file", "size": 7},
        {"type": 1, "name": "usr/", "payload": None},
        {"type": 1, "name_raw": b64encode(b"\xff").decode(), "size": 3},
        segment(b"end"),
    ]
    assert put_together(split_of(pieces), tmp_path) == b"headcontentmiddlecontentrawend"


@pytest.mark.parametrize(
    "piece",
    [
        {"type": 1, "name": "missing", "size": 1},
        {"type": 1, "name": "file", "size": 2},
        {"type": 1, "name": "file", "size": 4},
        {"type": 1, "name": "fifo", "size": 4},
        {"type": 1, "name": "out/passwd", "size": 3},
        {"type": 1, "name": "../../../../../../etc/passwd", "size": 3},
        {"type": 1, "name": "a\0b", "size": 3},
        {"type": 1, "name": "x" * 5000, "size": 3},
        {"type": 2, "payload": "***"},
        {"type": 3},
        {},
        [],
    ],
)
def test_what_does_not_fit(tmp_path: Path, piece: dict[str, object]) -> None:
    (tmp_path / "file").write_bytes(b"123")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "out").symlink_to("/etc")
    with pytest.raises(Unfit):
        put_together(split_of([piece]), tmp_path)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes(data: bytes, packed: bool) -> None:
    with tempfile.TemporaryDirectory() as layer, contextlib.suppress(Unfit):
        put_together(gzip.compress(data) if packed else data, Path(layer))


def test_a_cut_file(tmp_path: Path) -> None:
    packed = split_of([segment(os.urandom(5000))])
    with pytest.raises(Unfit):
        put_together(packed[:-20], tmp_path)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Unfit):
        open_part(str(tmp_path), "/fifo")
    assert not issubclass(Unfit, NsviewError)
