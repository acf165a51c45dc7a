"""Images of plain directories: layouts, configs, names."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from nsview.engines.image_files import ImageFiles
from nsview.errors import NsviewError
from nsview.layers.commit import CommitOptions, Committed, base_of, commit_image
from nsview.layers.image_archive import (
    archive_layout,
    directory_layout,
    full_name,
)
from nsview.layers.image_config import new_config
from nsview.layers.layer_walk import Findings
from nsview.layers.merge import MergedTree
from nsview.layers.output_file import TargetExists
from nsview.layers.plain import stack_of_directories
from nsview.layers.stack import Layer, Stack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    paths = []
    for name in ("upper", "middle", "twin", "base"):
        folder = tmp_path / name
        folder.mkdir()
        folder.joinpath("file").write_text(name)
        paths.append(str(folder))
    return stack_of_directories(paths)


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_archive(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        assert len({member.name for member in members}) == len(members)
        files = [member for member in members if member.isfile()]
        return {one.name: archive.extractfile(one).read() for one in files}  # type: ignore[union-attr]


def check(files: dict[str, bytes], done: Committed, name: str | None) -> dict[str, Any]:
    """Every digest and size fits; returns the config."""
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    for path, data in files.items():
        if path.startswith("blobs/"):
            assert path == "blobs/sha256/" + hashlib.sha256(data).hexdigest()

    def blob(descriptor: dict[str, Any]) -> bytes:
        data = files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(data) == descriptor["size"]
        return data

    (described,) = json.loads(files["index.json"])["manifests"]
    if name is not None:
        assert described["annotations"]["org.opencontainers.image.ref.name"] == name
    manifest = json.loads(blob(described))
    assert manifest["config"]["digest"] == done.image_id
    config: dict[str, Any] = json.loads(blob(manifest["config"]))
    layers = [blob(layer) for layer in manifest["layers"]]
    assert [digest(layer) for layer in layers] == config["rootfs"]["diff_ids"]
    steps = [step for step in config["history"] if not step.get("empty_layer")]
    assert len(steps) == len(layers)
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            archive.getmembers()
    return config


def test_an_archive(stack: Stack, tmp_path: Path) -> None:
    target = tmp_path / "image.tar"
    with MergedTree(stack) as tree, archive_layout(str(target), force=False, mode=0o600) as layout:
        options = CommitOptions(name="a:b", created="2001-01-01T00:00:00Z")
        done = commit_image(tree, None, layout, Findings(), options, docker=True)
    files = read_archive(target)
    config = check(files, done, "a:b")
    (table,) = json.loads(files["manifest.json"])
    assert table["RepoTags"] == ["a:b"]
    assert files[table["Config"]]
    assert [digest(files[name]) for name in table["Layers"]] == config["rootfs"]["diff_ids"]
    assert config["history"][-1]["created_by"] == "nsview commit"
    assert config["created"] == "2001-01-01T00:00:00Z"


def test_a_directory(stack: Stack, tmp_path: Path) -> None:
    target = tmp_path / "image"
    with MergedTree(stack) as tree, directory_layout(f"{target}/") as layout:
        done = commit_image(tree, None, layout, Findings(), CommitOptions(), docker=False)
        assert not target.exists()
    files = {
        str(path.relative_to(target)): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file()
    }
    check(files, done, None)
    assert "manifest.json" not in files
    with pytest.raises(TargetExists):
        directory_layout(str(target)).__enter__()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_equal_layers_are_stored_once(tmp_path: Path) -> None:
    for name in ("upper", "a", "b"):
        (tmp_path / name).mkdir()
    paths = [str(tmp_path / name) for name in ("upper", "a", "b")]
    target = tmp_path / "image.tar"
    with (
        MergedTree(stack_of_directories(paths)) as tree,
        archive_layout(str(target), force=False, mode=0o600) as layout,
    ):
        done = commit_image(tree, None, layout, Findings(), CommitOptions(), docker=True)
    assert done.layers[1] == done.layers[2]
    check(read_archive(target), done, None)


def test_history_fits_the_layers() -> None:
    step = {"created_by": "RUN x", "created": "2001"}
    old = {
        "architecture": "arm64",
        "os": "linux",
        "config": {"Cmd": ["sh"]},
        "container_config": {"x": 1},
        "id": "x",
        "history": [step, {"created_by": "CMD", "empty_layer": True}],
    }

    def made(old: dict[str, object] | None, below: list[str | None]) -> dict[str, Any]:
        digests = ["sha256:x"] * (len(below) + 1)
        words: dict[str, object] = {"Cmd": ["cat"]}
        return new_config(old, digests, below, created="now", comment="web", process=words)

    one = made(old, ["RUN x"])
    assert [entry["created_by"] for entry in one["history"]] == ["RUN x", "CMD", "nsview commit"]
    assert (one["architecture"], one["config"]) == ("arm64", {"Cmd": ["sh"]})
    assert not {"container_config", "id"} & set(one)
    # Squashed or imported: nobody knows which step made which layer.
    two = made(old, ["RUN x", None])
    assert [entry["created_by"] for entry in two["history"]] == [
        "RUN x",
        "unknown",
        "nsview commit",
    ]
    assert made(None, [])["config"] == {"Cmd": ["cat"]}


def test_names() -> None:
    assert full_name("web:1") == "docker.io/library/web:1"
    assert full_name("me/web:1") == "docker.io/me/web:1"
    assert full_name("localhost/web:1") == "localhost/web:1"
    assert full_name("reg.example:5000/web:1") == "reg.example:5000/web:1"


def test_what_has_no_writable_layer(stack: Stack) -> None:
    def layer(role: str, path: str | None) -> Layer:
        return Layer(
            index=0,
            role=role,
            writable=False,
            path=path,
            shown_as="x",
            resolution="exact",  # type: ignore[arg-type]
        )

    with pytest.raises(NsviewError, match="no writable layer"):
        base_of(Stack(layers=(layer("lower", "/"), layer("lower", "/"))))
    with pytest.raises(NsviewError, match="was not found"):
        base_of(Stack(layers=(layer("upper", None),)))
    with pytest.raises(NsviewError, match="no writable layer"):
        base_of(Stack(layers=()))
    assert base_of(stack) == 1


def test_a_lost_layer_below_is_one_line(stack: Stack, tmp_path: Path) -> None:
    lost = Layer(
        index=4, role="lower", writable=False, path=None, shown_as="l/X", resolution="unresolvable"
    )
    broken = Stack(layers=(*stack.layers, lost))
    target = tmp_path / "image.tar"

    def commit(image: ImageFiles | None) -> None:
        with (
            MergedTree(broken) as tree,
            archive_layout(str(target), force=False, mode=0o600) as layout,
        ):
            commit_image(tree, image, layout, Findings(), CommitOptions(), docker=True)

    for image in (None, ImageFiles(root="/", config={}, blobs={"": "/etc/passwd"})):
        with pytest.raises(NsviewError, match=r"layer 4 \(l/X\) was not found"):
            commit(image)
        assert not target.exists()
