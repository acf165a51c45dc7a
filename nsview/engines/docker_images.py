"""The layers of docker's containers, from the files of its graph drivers.

::

    <driver>/<id>/{diff,lower}                          a layer's directory; what it stands on
    image/<driver>/layerdb/mounts/<container>/{mount-id,init-id,parent}
    image/<driver>/layerdb/sha256/<chain id>/{cache-id,diff,parent}
    image/<driver>/imagedb/content/sha256/<image id>    the image's config

A container stands on an ``-init`` layer (hosts, resolv.conf, ...), and that on the image's layers,
whose topmost has the chain id `parent`. moby/moby: daemon/internal/layer/filestore.go. With
containerd's image store none of this exists: containerd then has the snapshots.
"""

from __future__ import annotations

import re

from nsview.engines import containerd_images
from nsview.engines.disk import DiskStore
from nsview.engines.stored_stack import (
    LONGEST_CHAIN,
    WHOLE,
    StoredLayer,
    StoredStack,
    StoreFiles,
    instructions,
    is_name,
)
from nsview.engines.untrusted import text
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterator, Literal, Sequence

#: Drivers that stack directories; where the directory of a layer is.
_STACKED: Final[dict[str, tuple[str, Literal["overlay", "fuse-overlayfs", "aufs"]]]] = {
    "overlay2": ("overlay2/{}/diff", "overlay"),
    "fuse-overlayfs": ("fuse-overlayfs/{}/diff", "fuse-overlayfs"),
    "aufs": ("aufs/diff/{}", "aufs"),
}
_CHAIN_ID = re.compile(r"sha256:[0-9a-f]{64}")
_NAMESPACE = "moby"


class _ImageLayer(NamedTuple):
    """What layerdb has about a layer of an image."""

    chain_id: str
    directory: str
    digest: str | None


def read_stack(
    store: DiskStore,
    container_id: str,
    driver: str | None,
    containerd: Sequence[DiskStore] = (),
) -> StoredStack | None:
    """The layers of a container; None where no file says them.

    `containerd` are stores that may have the snapshots, besides docker's own one.
    """
    if not is_name(container_id) or driver is None or not is_name(driver):
        return None
    files = StoreFiles(store)
    config = files.json(f"containers/{container_id}/config.v2.json")
    stack = _read_graph(files, container_id, driver)
    if stack is None:
        own = DiskStore(store.root, f"{store.path}/containerd/daemon", store.user)
        stack = _read_snapshots((own, *containerd), container_id, driver, config)
    if stack is None:
        return None
    image_id = (text(config, "Image") or "").removeprefix("sha256:") or stack.image_id
    return stack._replace(
        driver=driver,
        image=text(config, "Config", "Image"),
        image_id=image_id,
        userxattr=store.user != 0,
    )


def _read_graph(files: StoreFiles, container_id: str, driver: str) -> StoredStack | None:
    database = f"image/{driver}/layerdb"
    mount = f"{database}/mounts/{container_id}"
    top = files.text(f"{mount}/mount-id")
    if not is_name(top):
        return None
    if driver in WHOLE:
        whole = StoredLayer(role="upper", path=files.path(WHOLE[driver].format(top)))
        return StoredStack(root=files.root, layers=(whole,), form="plain")
    if driver not in _STACKED:
        return None
    where, form = _STACKED[driver]
    init = files.text(f"{mount}/init-id")
    chain = {one.directory: one for one in _chain(files, database, files.text(f"{mount}/parent"))}
    steps = _instructions(files, container_id, driver)
    # The kernel was given what the file `lower` says; layerdb says the same, if it is whole.
    names = files.lower_layers(driver, top) if form != "aufs" else []
    names = names or [*filter(is_name, [init]), *chain]
    layers = [StoredLayer(role="upper", path=files.path(where.format(top)))]
    for name in names:
        known = chain.get(name)
        layers.append(
            StoredLayer(
                role="init" if name == init else "lower",
                path=files.path(where.format(name)),
                digest=known.digest if known else None,
                chain_id=known.chain_id if known else None,
                created_by=steps.get(known.chain_id) if known else None,
            )
        )
    return StoredStack(root=files.root, layers=tuple(layers), form=form)


def _chain(files: StoreFiles, database: str, chain_id: str) -> Iterator[_ImageLayer]:
    for _ in range(LONGEST_CHAIN):
        if not _CHAIN_ID.fullmatch(chain_id):
            return
        here = f"{database}/sha256/{chain_id.removeprefix('sha256:')}"
        directory = files.text(f"{here}/cache-id")  # empty after a crash while it was made
        if is_name(directory):
            yield _ImageLayer(chain_id, directory, files.text(f"{here}/diff") or None)
        chain_id = files.text(f"{here}/parent")


def _instructions(files: StoreFiles, container_id: str, driver: str) -> dict[str, str]:
    image = text(files.json(f"containers/{container_id}/config.v2.json"), "Image") or ""
    if not _CHAIN_ID.fullmatch(image):
        return {}
    digest = image.removeprefix("sha256:")
    return instructions(files.json(f"image/{driver}/imagedb/content/sha256/{digest}"))


def _read_snapshots(
    stores: Sequence[DiskStore], container_id: str, driver: str, config: object
) -> StoredStack | None:
    image = text(config, "ImageManifest", "digest") or text(config, "Image")
    for store in stores:
        stack = containerd_images.read_stack(
            store,
            _NAMESPACE,
            container_id,
            snapshotter=driver,
            image_digest=image,
            init_key=f"{container_id}-init",
        )
        if stack is not None:
            return stack
    return None
