"""The layers of podman's, CRI-O's and buildah's containers, from a containers/storage graph root.

::

    <driver>/<layer>/{diff,lower}, <driver>/l/ABC -> ../<layer>/diff
    <driver>-layers/{layers,volatile-layers}.json       id, parent, diff-digest
    <driver>-images/images.json                         id, names, layer (the topmost)
    <driver>-images/<image>/=<base64 of the key>        the image's config, under the key
                                                        ``sha256:<image>``
    <driver>-containers/{containers,volatile-containers}.json   id, layer, image

A layer's id is no chain id (mapped ids and partial pulls get random ones): the parents are walked.
github.com/containers/storage: layers.go, images.go, store.go:makeBigDataBaseName.
"""

from __future__ import annotations

from base64 import b64encode

from nsview.engines.disk import DATABASE_LIMIT, DiskStore
from nsview.engines.stored_stack import (
    LONGEST_CHAIN,
    WHOLE,
    StoredLayer,
    StoredStack,
    StoreFiles,
    diff_ids_of,
    fold_chain,
    instructions,
    is_name,
)
from nsview.engines.untrusted import sequence, text, texts
from nsview.typed import Final, Iterator, Mapping

_STACKED: Final = "overlay"
_LISTS = ("", "volatile-")


def read_stack(
    store: DiskStore, container_id: str, driver: str | None, run_root: str | None = None
) -> StoredStack | None:
    """The layers of a container; None where no file says them.

    `run_root` has the lists of containers that are not to outlive the boot (transient storage).
    """
    if driver is None or not is_name(driver):
        return None
    files = StoreFiles(store)
    places = [files]
    if run_root is not None:
        places.append(StoreFiles(DiskStore(store.root, run_root, store.user)))
    container = _find(places, f"{driver}-containers", "containers.json", container_id)
    top = text(container, "layer")
    if top is None or not is_name(top):
        return None
    known = _layers(places, driver)
    chain = list(_chain(known, top))
    image = _image(files, driver, text(container, "image"))
    image_id = text(image, "id")
    described = _describe(files, driver, image_id, [known.get(one) for one in chain[1:]])
    names = _lower(files, driver, top) or chain[1:]
    layers = [StoredLayer(role="upper", path=_directory(files, driver, top))]
    for name in names if driver == _STACKED else ():
        facts = described[chain.index(name) - 1] if name in chain[1:] else (None, None, None)
        layers.append(
            StoredLayer(
                role="lower",
                path=_directory(files, driver, name),
                digest=facts[0],
                chain_id=facts[1],
                created_by=facts[2],
            )
        )
    fuse = files.text(f"{driver}/.has-mount-program") == "true"
    return StoredStack(
        root=files.root,
        layers=tuple(layers),
        form="plain" if driver != _STACKED else "fuse-overlayfs" if fuse else "overlay",
        userxattr=store.user != 0,
        driver=driver,
        image=next(iter(texts(image, "names")), None),
        image_id=image_id,
    )


def _directory(files: StoreFiles, driver: str, layer: str) -> str:
    return files.path(WHOLE.get(driver, f"{driver}/{{}}/diff").format(layer))


def _lower(files: StoreFiles, driver: str, top: str) -> list[str]:
    return files.lower_layers(driver, top) if driver == _STACKED else []


def _find(places: list[StoreFiles], folder: str, name: str, identity: str) -> object:
    for files in places:
        for kind in _LISTS:
            for element in sequence(files.json(f"{folder}/{kind}{name}", DATABASE_LIMIT)):
                if text(element, "id") == identity:
                    return element
    return None


_Known = Mapping[str, tuple[str | None, str | None]]


def _layers(places: list[StoreFiles], driver: str) -> _Known:
    """Parent and digest of every layer."""
    found = {}
    for files in places:
        for kind in _LISTS:
            name = f"{driver}-layers/{kind}layers.json"
            for element in sequence(files.json(name, DATABASE_LIMIT)):
                identity = text(element, "id")
                if identity is not None:
                    found[identity] = text(element, "parent"), text(element, "diff-digest")
    return found


def _chain(known: _Known, top: str) -> Iterator[str]:
    """A layer and all below it, topmost first."""
    layer: str | None = top
    for _ in range(LONGEST_CHAIN):
        if layer is None or not is_name(layer):
            return
        yield layer
        layer = known.get(layer, (None, None))[0]


def _image(files: StoreFiles, driver: str, image_id: str | None) -> object:
    if image_id is None:
        return None
    found = _find([files], f"{driver}-images", "images.json", image_id)
    return found if found is not None else {"id": image_id}


def _describe(
    files: StoreFiles,
    driver: str,
    image_id: str | None,
    layers: list[tuple[str | None, str | None] | None],
) -> list[tuple[str | None, str | None, str | None]]:
    """Digest, chain id and instruction of each lower layer, topmost first."""
    digests = [layer[1] if layer else None for layer in layers]
    config = read_config(files, driver, image_id)
    of_image = list(reversed(diff_ids_of(config)))
    if len(of_image) == len(digests):  # as the image was pulled; the store's may be lost
        digests = [ours or theirs for ours, theirs in zip(digests, of_image, strict=True)]
    whole = [digest for digest in digests if digest is not None]
    if len(whole) != len(digests):
        return [(digest, None, None) for digest in digests]
    chain = list(reversed(fold_chain(whole[::-1])))
    steps = instructions(config)
    return [(one, two, steps.get(two)) for one, two in zip(digests, chain, strict=True)]


def read_config(files: StoreFiles, driver: str, image_id: str | None) -> object:
    """The config of an image; None where there is none."""
    if image_id is None or not is_name(image_id):
        return None
    key = b64encode(f"sha256:{image_id}".encode()).decode()
    return files.json(f"{driver}-images/{image_id}/={key}")
