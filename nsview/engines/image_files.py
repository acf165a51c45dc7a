"""What an engine's store keeps of an image, for making it whole again: its config, its archives.

::

    docker    image/<driver>/imagedb/content/sha256/<image id>              the config
              image/<driver>/layerdb/sha256/<chain id>/tar-split.json.gz
    storage   <driver>-images/<image>/=<base64 of "sha256:" + image id>     the config
              <driver>-layers/<layer>.tar-split.gz
    content   io.containerd.content.v1.content/blobs/sha256/<digest>        manifest, config, layers
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nsview.engines import containerd_images, storage_images
from nsview.engines.containerd_store import ContainerdStore
from nsview.engines.containers_storage import ContainersStorage
from nsview.engines.disk import DiskStore
from nsview.engines.docker_store import DockerStore
from nsview.engines.stored_stack import StoredLayer, StoredStack, StoreFiles, diff_ids_of, is_name
from nsview.engines.untrusted import mapping, text
from nsview.typed import Final, Mapping, Sequence

_STORAGE_LAYER: Final = re.compile(r"([0-9A-Za-z][0-9A-Za-z._-]*)/diff")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFiles:
    """Files of one image; paths are below `root`."""

    root: str
    config: Mapping[str, object]
    splits: Mapping[str, str] = field(default_factory=dict)
    """Diff id -> what tells how the layer's archive is put together from its directory."""
    blobs: Mapping[str, str] = field(default_factory=dict)
    """Diff id -> the layer's archive itself, compressed or not."""


def read_image_files(
    stores: Sequence[DiskStore], store: DiskStore, stored: StoredStack
) -> ImageFiles | None:
    """What `store` has of the image that a container of it stands on; None: not even its config.

    `stores` are all there are: docker may keep its images in a containerd.
    """
    if stored.image_id is None or not is_name(stored.image_id) or not is_name(stored.driver):
        return None
    if isinstance(store, DockerStore):
        found = _of_docker(StoreFiles(store), stored)
        own = DiskStore(store.root, f"{store.path}/containerd/daemon", store.user)
        others = (own, *(one for one in stores if isinstance(one, ContainerdStore)))
        return found or next(filter(None, (_of_content(one, stored) for one in others)), None)
    if isinstance(store, ContainersStorage):
        return _of_storage(StoreFiles(store), stored)
    return _of_content(store, stored)


def _of_docker(files: StoreFiles, stored: StoredStack) -> ImageFiles | None:
    home = f"image/{stored.driver}"
    config = mapping(files.json(f"{home}/imagedb/content/sha256/{stored.image_id}"))
    if not config:
        return None
    splits = {}
    for layer in stored.layers:
        chain = (layer.chain_id or "").removeprefix("sha256:")
        if layer.digest is not None and is_name(chain):
            name = f"{home}/layerdb/sha256/{chain}/tar-split.json.gz"
            splits[layer.digest] = files.path(name)
    return ImageFiles(root=files.root, config=config, splits=splits)


def _of_storage(files: StoreFiles, stored: StoredStack) -> ImageFiles | None:
    config = mapping(storage_images.read_config(files, stored.driver or "", stored.image_id))
    if not config:
        return None
    splits = {}
    for layer in stored.layers:
        identity = _storage_layer(layer)
        if layer.digest is not None and identity is not None:
            splits[layer.digest] = files.path(f"{stored.driver}-layers/{identity}.tar-split.gz")
    return ImageFiles(root=files.root, config=config, splits=splits)


def _storage_layer(layer: StoredLayer) -> str | None:
    match = _STORAGE_LAYER.search(layer.path)
    return match[1] if match else None


def _of_content(store: DiskStore, stored: StoredStack) -> ImageFiles | None:
    """By the digest of an index, a manifest or a config: the one whose layers are these."""
    files = StoreFiles(store)
    wanted = tuple(layer.digest for layer in reversed(stored.layers) if layer.digest is not None)
    config, layers = containerd_images.find_config(
        files, f"sha256:{stored.image_id}", lambda one: bool(wanted) and diff_ids_of(one) == wanted
    )
    if config is None:
        return None
    return ImageFiles(root=files.root, config=mapping(config), blobs=_blobs(files, wanted, layers))


def _blobs(files: StoreFiles, wanted: Sequence[str], layers: Sequence[object]) -> dict[str, str]:
    if len(layers) != len(wanted):
        return {}
    found = {}
    for digest, layer in zip(wanted, layers, strict=True):
        name = containerd_images.blob_name(text(layer, "digest"))
        if name is not None:
            found[digest] = files.path(name)
    return found
