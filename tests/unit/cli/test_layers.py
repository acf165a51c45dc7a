"""`nsview layers` without a container."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import nsview

from nsview.cli.source import split_directories
from nsview.cli.words import byte_size


def test_directories(tmp_path: Path) -> None:
    top, base = tmp_path / "to:p", tmp_path / "base"
    top.mkdir()
    base.mkdir()
    (base / "f").write_bytes(b"x" * 2048)
    dirs = str(top).replace(":", "\\:") + f":{base}"
    rows = nsview("layers", "--dirs", dirs, "--size").lines
    assert rows[0].split() == ["LAYER", "ROLE", "SIZE", "FILES", "DIRECTORY", "CREATED", "BY"]
    assert rows[1].split() == ["0", "upper", "0B", "0", str(top), "-"]
    assert rows[2].split() == ["1", "lower", "2.0K", "1", str(base), "-"]
    document = nsview("layers", "--dirs", dirs, "--json").json
    assert [one["path"] for one in document["layers"]] == [str(top), str(base)]
    assert document["layers"][0]["size"] is None
    assert document["root"]["fstype"] == "directories"
    assert document["image"] == {"name": None, "id": None}


def test_usage_and_what_is_not_there(tmp_path: Path) -> None:
    assert nsview("layers").status == 2
    assert nsview("layers", "x", "--dirs", "/").status == 2
    assert nsview("layers", "--dirs", ":").status == 3
    done = nsview("layers", "--dirs", f"{tmp_path}:{tmp_path}/gone")
    assert done.status == 3
    assert done.err == f"nsview: error: {tmp_path}/gone is no directory\n"
    assert nsview("layers", "no-such-container").status == 3


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("/a:/b", ["/a", "/b"]),
        (r"/a\:b:/c\\", ["/a:b", "/c\\"]),
        ("::/a:", ["/a"]),
        ("", []),
    ],
)
def test_split(text: str, names: list[str]) -> None:
    assert split_directories(text) == names


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "-"), (0, "0B"), (1023, "1023B"), (1024, "1.0K"), (1 << 20, "1.0M"),
        (5 << 29, "2.5G"), (38 << 20, "38M"),
    ],
)  # fmt: skip
def test_byte_size(count: int | None, words: str) -> None:
    assert byte_size(count) == words
