"""The layers of containerd's containers: snapshots, from two databases and the content store.

::

    io.containerd.metadata.v1.bolt/meta.db
        v1/<namespace>/containers/<id>/{image,snapshotter,snapshotKey}
        v1/<namespace>/snapshots/<snapshotter>/<key>/{name,parent}     parent is a key, too
        v1/<namespace>/images/<reference>/target/digest
        v1/<namespace>/content/blob/<digest>/labels/containerd.io/gc.ref.snapshot.<snapshotter>
    io.containerd.snapshotter.v1.<snapshotter>/metadata.db
        v1/snapshots/<name>/{id,kind}                                  directory snapshots/<id>/fs
    io.containerd.content.v1.content/blobs/sha256/<digest>             manifests, configs

The key of an image's layer is its chain id. core/metadata/buckets.go, core/snapshots/storage.
"""

from __future__ import annotations

from nsview.engines.bbolt import BboltError, Bucket, parse_bbolt
from nsview.engines.containerd_store import DATABASE, read_unsigned
from nsview.engines.disk import DATABASE_LIMIT, DiskStore
from nsview.engines.stored_stack import (
    LONGEST_CHAIN,
    StoredLayer,
    StoredStack,
    StoreFiles,
    diff_ids_of,
    fold_chain,
    instructions,
    is_name,
)
from nsview.engines.untrusted import sequence, text
from nsview.named_tuple import NamedTuple
from nsview.typed import Callable, Final, Iterator, Literal, Sequence

_BLOBS: Final = "io.containerd.content.v1.content/blobs"
#: An index, a manifest for each of its platforms, and their configs.
_BLOBS_READ: Final = 64
_VIEW, _COMMITTED = 1, 3  # core/snapshots: KindView, KindActive = 2, KindCommitted
#: Every snapshot is a whole copy.
_WHOLE: Final = frozenset({"native", "btrfs", "zfs"})


class _Snapshot(NamedTuple):
    key: str
    number: int
    kind: int

    @property
    def chain_id(self) -> str | None:
        """Of an image's layer: its key."""
        return self.key if self.key.startswith("sha256:") else None


def read_stack(
    store: DiskStore,
    namespace: str,
    container_id: str,
    *,
    snapshotter: str | None = None,
    image_digest: str | None = None,
    init_key: str | None = None,
) -> StoredStack | None:
    """The layers of a container; None where no file says them.

    For docker, which keeps no record of a container in here: `snapshotter`, whose key is then the
    container's id, `image_digest`, and the key of the ``-init`` layer.
    """
    files = StoreFiles(store)
    try:
        meta = parse_bbolt(files.bytes(DATABASE, DATABASE_LIMIT))
        top = meta.bucket(b"v1", namespace.encode())
        if top is None:
            return None
        return _read(files, top, container_id, snapshotter, image_digest, init_key)
    except BboltError:
        return None


def _read(
    files: StoreFiles,
    namespace: Bucket,
    container_id: str,
    snapshotter: str | None,
    digest: str | None,
    init_key: str | None,
) -> StoredStack | None:
    image = None
    key = container_id
    if snapshotter is None:
        container = namespace.bucket(b"containers", container_id.encode("utf-8", "replace"))
        values = container.values() if container else {}
        snapshotter, key = _text(values.get(b"snapshotter")), _text(values.get(b"snapshotKey"))
        image = _text(values.get(b"image")) or None
        digest = _target(namespace, image) if image else None
    if not is_name(snapshotter):
        return None
    chain = list(_chain(files, namespace, snapshotter, key))
    if not chain:
        return None
    top = next(filter(None, (one.chain_id for one in chain)), "")
    config, digest = _config(files, namespace, snapshotter, digest, top)
    layers = tuple(_layers(files, snapshotter, chain, config, init_key))
    whole = snapshotter in _WHOLE
    return StoredStack(
        root=files.root,
        layers=layers[:1] if whole else layers,
        form="plain" if whole or len(layers) == 1 else _form(snapshotter),
        driver=snapshotter,
        image=image,
        image_id=(digest or "").removeprefix("sha256:") or None,
    )


def _config(
    files: StoreFiles, namespace: Bucket, snapshotter: str, digest: str | None, chain_id: str
) -> tuple[object, str | None]:
    """The config of the image whose layers are these, and the digest that led there."""

    def fits(document: object) -> bool:
        return fold_chain(diff_ids_of(document))[-1:] == [chain_id]

    config, _ = find_config(files, digest, fits)
    if config is None:
        digest = _labelled(namespace, snapshotter, chain_id)
        config, _ = find_config(files, digest, fits)
    return config, digest


def _layers(
    files: StoreFiles,
    snapshotter: str,
    chain: list[_Snapshot],
    config: object,
    init_key: str | None,
) -> Iterator[StoredLayer]:
    digests = diff_ids_of(config)
    facts = dict(zip(fold_chain(digests), digests, strict=True))
    steps = instructions(config)
    for one in chain:
        if one.kind != _VIEW:  # it has a directory that nothing is mounted from
            yield StoredLayer(
                role=_role(one, init_key),
                path=files.path(_directory(snapshotter, one)),
                digest=facts.get(one.key),
                chain_id=one.chain_id,
                created_by=steps.get(one.key),
            )


def _directory(snapshotter: str, snapshot: _Snapshot) -> str:
    here = f"io.containerd.snapshotter.v1.{snapshotter}/snapshots/{snapshot.number}"
    return here if snapshotter in _WHOLE else f"{here}/fs"


def _role(snapshot: _Snapshot, init_key: str | None) -> Literal["upper", "init", "lower"]:
    if snapshot.kind != _COMMITTED:
        return "upper"
    return "init" if snapshot.key == init_key else "lower"


def _form(snapshotter: str) -> Literal["overlay", "fuse-overlayfs"]:
    return "fuse-overlayfs" if snapshotter == "fuse-overlayfs" else "overlay"


def _chain(files: StoreFiles, namespace: Bucket, snapshotter: str, key: str) -> Iterator[_Snapshot]:
    """A snapshot and all below it, topmost first."""
    listed = namespace.bucket(b"snapshots", snapshotter.encode())
    data = files.bytes(f"io.containerd.snapshotter.v1.{snapshotter}/metadata.db", DATABASE_LIMIT)
    stored = parse_bbolt(data).bucket(b"v1", b"snapshots") if data else None
    if listed is None or stored is None:
        return
    keys, names = dict(listed.buckets()), dict(stored.buckets())
    for _ in range(LONGEST_CHAIN + 1):
        entry = keys.get(key.encode("utf-8", "replace"))
        values = entry.values() if entry else {}
        snapshot = names.get(values.get(b"name", b""))
        if snapshot is None:
            return
        facts = snapshot.values()
        number = parse_unsigned(facts.get(b"id", b""))
        kind = parse_unsigned(facts.get(b"kind", b""))
        if number is None or kind is None:
            return
        yield _Snapshot(key, number, kind)
        key = _text(values.get(b"parent"))


def parse_unsigned(data: bytes) -> int | None:
    """A number as Go's binary.PutUvarint writes it; None when it is none.

    core/snapshots/storage/bolt.go writes the kind as one plain byte, which is the same.
    """
    found = read_unsigned(data, 0)
    return found[0] if found is not None and found[1] == len(data) else None


def _target(namespace: Bucket, reference: str) -> str | None:
    target = namespace.bucket(b"images", reference.encode("utf-8", "replace"), b"target")
    return _text(target.values().get(b"digest")) or None if target else None


def _labelled(namespace: Bucket, snapshotter: str, chain_id: str) -> str | None:
    """The config blob that the garbage collector was told to belong to these layers."""
    blobs = namespace.bucket(b"content", b"blob")
    label = f"containerd.io/gc.ref.snapshot.{snapshotter}".encode()
    for digest, blob in blobs.buckets() if blobs and chain_id else ():
        labels = blob.bucket(b"labels")
        if labels and labels.values().get(label) == chain_id.encode():
            return _text(digest)
    return None


def find_config(
    files: StoreFiles, digest: str | None, fits: Callable[[object], bool]
) -> tuple[object, Sequence[object]]:
    """The image config that fits, below the digest of an index, a manifest or a config; or None.

    And the layers of the manifest that it is below.
    """
    waiting: list[str | None] = [digest]
    layers: Sequence[object] = ()
    for _ in range(_BLOBS_READ):
        if not waiting:
            break
        name = blob_name(waiting.pop(0))
        document = files.json(name) if name is not None else None
        if fits(document):
            return document, layers
        layers = sequence(document, "layers") or layers
        below = [text(document, "config", "digest")]
        below += [text(one, "digest") for one in sequence(document, "manifests")[:_BLOBS_READ]]
        # A manifest's config comes next, while its layers are known.
        waiting = [*filter(None, below), *waiting]
    return None, ()


def blob_name(digest: str | None) -> str | None:
    """Where a store has a blob; None for what is no digest."""
    algorithm, _, name = (digest or "").partition(":")
    return f"{_BLOBS}/{algorithm}/{name}" if is_name(algorithm) and is_name(name) else None


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
