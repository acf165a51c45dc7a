"""Images as archives: what ``docker save``, ``podman save`` and ``nsview commit`` write.

::

    manifest.json                              docker's table of contents: config, layers, tags
    index.json -> blobs/ALGORITHM/DIGEST       opencontainers/image-spec: image-layout.md

Nothing in an archive is believed: each layer is held to the digest that the config has for it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from dataclasses import dataclass
from typing import IO, Final

from nsview.engines.stored_stack import diff_ids_of, fold_chain, instructions
from nsview.engines.untrusted import mapping, parse_json, sequence, text, texts
from nsview.errors import NsviewError
from nsview.light import contextmanager
from nsview.sandbox.process import Process, parse_process
from nsview.sandbox.spec import MOST_LAYERS, Lower
from nsview.sandbox.unpack import Unpacker, Unsafe
from nsview.typed import Iterator

_LARGEST_JSON: Final = 8 << 20
_GZIP: Final = b"\x1f\x8b"
_CHUNK: Final = 1 << 20
_DEEPEST_INDEX: Final = 4
_LAYER_MODE: Final = 0o755
_INDEXES: Final = ("index", "manifest.list")
_ERRORS: Final = (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, RecursionError,
                  OverflowError)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The contents of an archive."""

    path: str
    reference: str | None
    """``docker.io/library/web:1``, where it has a name."""
    config: object
    layers: tuple[str, ...]
    """Members, bottom first."""

    @property
    def process(self) -> Process:
        """What it says to run."""
        return parse_process(self.config)


class _Hashing(io.RawIOBase):
    """Counts and hashes what is read."""

    def __init__(self, source: IO[bytes] | gzip.GzipFile) -> None:
        self._source = source
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.hash.update(data)
        return data


def read_image(path: str) -> Image:
    """The first image of an archive; raises `NsviewError`."""
    with _open(path) as archive:
        found = _docker(archive) or _oci(archive)
        if found is None:
            raise NsviewError(f"image {path}: neither docker's format nor OCI's")
        reference, config_name, layers = found
        config = _json(archive, config_name)
    if not layers or len(layers) > MOST_LAYERS:
        raise NsviewError(f"image {path}: {len(layers)} layers")
    if len(diff_ids_of(config)) != len(layers):
        raise NsviewError(f"image {path}: its config and its layers do not fit together")
    return Image(path=path, reference=reference, config=config, layers=layers)


def unpack_image_in(
    user_namespace: int, image: Image, directory: str
) -> tuple[tuple[Lower, ...], tuple[str, ...]]:
    """The same as root of a user namespace; and what is not as the image has it, in words."""
    from nsview.kernel.user_namespace import call_in

    def work() -> tuple[str | None, list[tuple[str | None, ...]], list[str]]:
        unpacker = Unpacker(in_user_namespace=True)
        try:
            lower = unpack_image(image, directory, unpacker)
        except NsviewError as error:
            return error.message, [], []
        return None, list(map(tuple, lower)), unpacker.lost

    try:
        problem, lower, lost = call_in(user_namespace, work)
    except OSError as error:
        problem = f"image {image.path}: {error.strerror}"
    if problem is not None:
        raise NsviewError(problem)
    return tuple(Lower(*one) for one in lower), tuple(lost)


def unpack_image(
    image: Image, directory: str, unpacker: Unpacker | None = None
) -> tuple[Lower, ...]:
    """Make a directory of each layer below `directory`; returns them topmost first.

    Raises `NsviewError` where the archive is damaged or means harm.
    """
    digests = diff_ids_of(image.config)
    chain = fold_chain(digests)
    steps = instructions(image.config)
    lower = []
    unpacker = unpacker or Unpacker()
    with _open(image.path) as archive:
        for at, name in enumerate(image.layers):
            target = os.path.join(directory, f"layer-{at}")
            os.mkdir(target, _LAYER_MODE)
            os.chmod(target, _LAYER_MODE)
            digest = _unpack_layer(archive, name, target, unpacker)
            if digest != digests[at]:
                raise NsviewError(f"image {image.path}: layer {at} is not {digests[at]}")
            lower.append(Lower(path=target, digest=digest, created_by=steps.get(chain[at])))
    return tuple(reversed(lower))


@contextmanager
def _open(path: str) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:*") as archive:
            yield archive
    except tarfile.ReadError as error:  # whose words are several lines, on each way to compress
        problem = "damaged, or cut short" if tarfile.is_tarfile(path) else "no archive of tar(1)"
        raise NsviewError(f"image {path}: {problem}") from error
    except Unsafe as error:
        raise NsviewError(f"image {path}: {error}") from None
    except _ERRORS as error:
        words = error.strerror if isinstance(error, OSError) else None
        raise NsviewError(f"image {path}: {words or error or 'damaged, or cut short'}") from None


def _docker(archive: tarfile.TarFile) -> tuple[str | None, str, tuple[str, ...]] | None:
    entries = _json(archive, "manifest.json")
    if not isinstance(entries, list) or not entries:
        return None
    first = entries[0]
    config, layers = text(first, "Config"), texts(first, "Layers")
    if config is None or not layers:
        return None
    return next(iter(texts(first, "RepoTags")), None), config, layers


def _oci(archive: tarfile.TarFile) -> tuple[str | None, str, tuple[str, ...]] | None:
    reference = None
    document = _json(archive, "index.json")
    for _ in range(_DEEPEST_INDEX):
        first = next(iter(sequence(document, "manifests")), None)
        if first is None:
            break
        reference = reference or text(first, "annotations", "org.opencontainers.image.ref.name")
        document = _json(archive, _blob(text(first, "digest")))
    config = text(document, "config", "digest")
    layers = tuple(_blob(text(one, "digest")) for one in sequence(document, "layers"))
    return (reference, _blob(config), layers) if config and layers else None


def _blob(digest: str | None) -> str:
    algorithm, _, value = (digest or "").partition(":")
    return f"blobs/{algorithm}/{value}"


def _json(archive: tarfile.TarFile, name: str) -> object:
    """A JSON file of the archive; None when it is missing or says nothing."""
    try:
        file = archive.extractfile(name)
    except KeyError:
        return None
    data = b"" if file is None else file.read(_LARGEST_JSON + 1)
    found = parse_json(data) if len(data) <= _LARGEST_JSON else None
    return found if isinstance(found, list) else mapping(found)


def _unpack_layer(archive: tarfile.TarFile, name: str, target: str, unpacker: Unpacker) -> str:
    """Unpack one layer; returns the digest of what it was, uncompressed."""
    try:
        raw = archive.extractfile(name)
    except KeyError:
        raw = None
    if raw is None:
        raise Unsafe(f"layer {name} is missing")
    compressed = raw.read(len(_GZIP)) == _GZIP
    raw.seek(0)
    hashing = _Hashing(gzip.GzipFile(fileobj=raw) if compressed else raw)
    with tarfile.open(fileobj=hashing, mode="r|") as layer:
        unpacker.unpack(layer, target)
    while hashing.read(_CHUNK):  # what follows the end of the archive is part of the digest
        continue
    return f"sha256:{hashing.hash.hexdigest()}"
