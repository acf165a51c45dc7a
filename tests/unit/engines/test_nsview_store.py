"""Sandboxes of nsview by their control group, and by what nsview wrote about them."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.nsview_layers import read_stack
from nsview.engines.nsview_store import (
    Ending,
    NsviewStore,
    parse_ended,
    parse_process,
)
from nsview.engines.recognise import recognise

ID = "0123456789abcdef" * 2


def test_recognised_by_the_control_group() -> None:
    (match,) = recognise(f"/nsview/{ID}")
    assert (match.engine, match.id, match.path) == ("nsview", ID, f"/nsview/{ID}")
    assert recognise(f"/nsview/{ID}/inner")[-1].path == f"/nsview/{ID}"
    for path in ("/nsview", f"/nsview/{ID[:-1]}", f"/nsview/{ID}0", f"/other/{ID}", "/nsview/web"):
        assert not [one for one in recognise(path) if one.engine == "nsview"]


def test_small_files() -> None:
    assert parse_process(b"4711 99\n") == (4711, 99)
    assert parse_ended(b"-9 1700000000 2\n") == Ending(status=-9, when=1700000000, oom_kills=2)


@given(st.binary(max_size=64))
def test_any_bytes(data: bytes) -> None:
    parse_process(data)
    parse_ended(data)


def make(home: Path, **config: object) -> NsviewStore:
    place = home / ID
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text(json.dumps({"id": ID, "name": "web", **config}))
    return NsviewStore("/", str(home), 0)


def test_records(tmp_path: Path) -> None:
    store = make(tmp_path, image="R", command=["sh"], created="2026-01-02T03:04:05Z")
    (tmp_path / "lock").touch()
    (tmp_path / ("f" * 32)).mkdir()  # half made
    (record,) = store.read_records()
    assert (record.engine, record.id, record.name, record.image) == ("nsview", ID, "web", "R")
    assert (record.running, record.pid, record.command) == (False, None, ("sh",))
    (tmp_path / ID / "process").write_text("4711 99\n")
    (record,) = store.read_records()
    assert (record.running, record.pid) == (True, 4711)
    (tmp_path / ID / "ended").write_text("0 1700000000 0\n")
    (record,) = store.read_records()
    assert (record.running, record.pid) == (False, None)


def test_layers_of_any_name(tmp_path: Path) -> None:
    layers = [
        {"role": "upper", "path": "/u/\udcff", "digest": None},
        {"role": "init", "path": "/i"},
        {"role": "lower", "path": "/l", "digest": "sha256:1", "created_by": "RUN x"},
    ]
    stack = read_stack(make(tmp_path, layers=layers), ID)
    assert stack is not None
    assert [(one.role, one.path) for one in stack.layers] == [
        ("upper", "/u/\udcff"),
        ("init", "/i"),
        ("lower", "/l"),
    ]
    assert stack.layers[2].created_by == "RUN x"
    for bad in ([], [{"role": "x", "path": "/"}], [{"role": "upper", "path": 1}], [3], "x"):
        assert read_stack(make(tmp_path, layers=bad), ID) is None
