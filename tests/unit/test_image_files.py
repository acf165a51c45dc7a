"""What stores keep of an image, in trees as the engines leave them."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from pathlib import Path

import pytest

from nsview.engines.containerd_store import ContainerdStore
from nsview.engines.containers_storage import ContainersStorage
from nsview.engines.disk import DiskStore
from nsview.engines.docker_store import DockerStore
from nsview.engines.image_files import read_image_files
from nsview.engines.stored_stack import StoredLayer, StoredStack

DIFF = ("sha256:" + "a" * 64, "sha256:" + "b" * 64)
CONFIG = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": list(DIFF)}}
IMAGE = "c" * 64


def stored(driver: str, image_id: str | None = IMAGE) -> StoredStack:
    """Topmost first: the writable layer, then the image's two."""
    return StoredStack(
        root="/",
        driver=driver,
        image_id=image_id,
        layers=(
            StoredLayer(role="upper", path="/s/overlay/top/diff"),
            StoredLayer(
                role="lower", path="/s/overlay/two/diff", digest=DIFF[1], chain_id="sha256:chain2"
            ),
            StoredLayer(
                role="lower", path="/s/overlay/one/diff", digest=DIFF[0], chain_id="sha256:chain1"
            ),
        ),
    )


def write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def test_docker(tmp_path: Path) -> None:
    write(tmp_path / f"image/overlay2/imagedb/content/sha256/{IMAGE}", CONFIG)
    store = DockerStore("/", str(tmp_path))
    found = read_image_files([store], store, stored("overlay2"))
    assert found is not None
    assert found.config == CONFIG
    database = f"{tmp_path}/image/overlay2/layerdb/sha256"
    assert found.splits == {
        DIFF[0]: f"{database}/chain1/tar-split.json.gz",
        DIFF[1]: f"{database}/chain2/tar-split.json.gz",
    }


def test_containers_storage(tmp_path: Path) -> None:
    key = b64encode(f"sha256:{IMAGE}".encode()).decode()
    write(tmp_path / f"overlay-images/{IMAGE}/={key}", CONFIG)
    store = ContainersStorage("/", str(tmp_path), None)
    found = read_image_files([store], store, stored("overlay"))
    assert found is not None
    assert found.config == CONFIG
    assert found.splits[DIFF[1]] == f"{tmp_path}/overlay-layers/two.tar-split.gz"


def blob(home: Path, document: object) -> str:
    data = json.dumps(document).encode()
    digest = hashlib.sha256(data).hexdigest()
    path = home / "io.containerd.content.v1.content/blobs/sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return f"sha256:{digest}"


@pytest.mark.parametrize("entry", ["index", "manifest", "config"])
@pytest.mark.parametrize("engine", ["containerd", "docker"])
def test_a_content_store(tmp_path: Path, entry: str, engine: str) -> None:
    home = tmp_path / "containerd/daemon" if engine == "docker" else tmp_path
    other = blob(home, {"config": {"digest": "sha256:missing"}, "layers": [{}, {}, {}]})
    config = blob(home, CONFIG)
    layers = [{"digest": "sha256:l1"}, {"digest": "sha256:l2"}]
    manifest = blob(home, {"config": {"digest": config}, "layers": layers})
    index = blob(home, {"manifests": [{"digest": other}, {"digest": manifest}]})
    top = {"index": index, "manifest": manifest, "config": config}[entry]
    store: DiskStore = ContainerdStore("/", str(tmp_path), None)
    if engine == "docker":
        store = DockerStore("/", str(tmp_path))
    found = read_image_files([store], store, stored("overlayfs", top.removeprefix("sha256:")))
    assert found is not None
    assert found.config == CONFIG
    blobs = f"{home}/io.containerd.content.v1.content/blobs/sha256"
    expected = {DIFF[0]: f"{blobs}/l1", DIFF[1]: f"{blobs}/l2"}
    assert found.blobs == ({} if entry == "config" else expected)


def test_a_loop_ends(tmp_path: Path) -> None:
    home = tmp_path / "io.containerd.content.v1.content/blobs/sha256"
    write(home / IMAGE, {"manifests": [{"digest": f"sha256:{IMAGE}"}] * 3})
    store = ContainerdStore("/", str(tmp_path), None)
    assert read_image_files([store], store, stored("overlayfs")) is None


@pytest.mark.parametrize("image", [None, "../../../etc/passwd", "a/b", ""])
def test_nothing_is_known(tmp_path: Path, image: str | None) -> None:
    store = DockerStore("/", str(tmp_path))
    assert read_image_files([store], store, stored("overlay2", image)) is None
