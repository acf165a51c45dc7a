"""An image as an archive: the layers below as they were, and the writable one on top.

::

    oci-layout, index.json                    opencontainers/image-spec: image-layout.md
    blobs/sha256/<digest>                     layers (plain tar), config, manifest
    manifest.json                             docker's own table of contents; not in an OCI layout

`docker load` and `podman load` take both. A name in the archive is the digest of what is to come,
so a member is written first and its header last.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from nsview.layers.image_config import config_name
from nsview.layers.output_file import (
    Digested,
    TargetExists,
    temporary_name,
    whole_file,
    writing,
)
from nsview.layers.tar_format import BLOCK, DIRECTORY, END, Member, encode_header, padding

_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_BLOBS: Final = "blobs/sha256"
_READ_ONLY: Final = 0o644
_FOLDER: Final = 0o755


@dataclass(frozen=True, slots=True)
class Blob:
    """Content by its digest."""

    digest: str
    size: int

    @property
    def name(self) -> str:
        """Its path in a layout."""
        return f"{_BLOBS}/{self.digest.removeprefix('sha256:')}"

    def describe(self, media_type: str) -> dict[str, object]:
        """An OCI descriptor."""
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}


class Layout(Protocol):
    """Where blobs and files of an image are put."""

    def new_blob(self) -> contextlib.AbstractContextManager[Digested]:
        """To be written in the block; the name follows from what was written."""

    def add_file(self, name: str, data: bytes) -> None:
        """A small file."""


class ArchiveLayout:
    """A layout as a tar archive, in a file that one can go back in."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._known: set[str] = set()
        for folder in ("blobs", _BLOBS):
            header = Member(name=folder.encode(), type=DIRECTORY, mode=_FOLDER)
            self._file.write(encode_header(header))

    @contextlib.contextmanager
    def new_blob(self) -> Iterator[Digested]:
        """See `Layout`."""
        start = self._file.tell()
        self._file.write(bytes(BLOCK))
        blob = Digested(self._file)
        yield blob
        if blob.digest in self._known:  # two equal layers
            self._file.seek(start)
            self._file.truncate()
            return
        self._known.add(blob.digest)
        self._file.write(padding(blob.size))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_size_header(Blob(blob.digest, blob.size).name, blob.size))
        self._file.seek(end)

    def add_file(self, name: str, data: bytes) -> None:
        """See `Layout`."""
        self._file.write(_size_header(name, len(data)) + data + padding(len(data)))

    def end(self) -> None:
        """Write what ends an archive."""
        self._file.write(END)


def _size_header(name: str, size: int) -> bytes:
    """One block, whatever the size: beyond 8 GiB in base 256, which all readers of today know."""
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = _READ_ONLY
    return member.tobuf(tarfile.GNU_FORMAT)


class DirectoryLayout:
    """A layout as a directory."""

    def __init__(self, path: str, shown: str) -> None:
        self._path = path
        self._shown = shown
        with writing(shown):
            os.makedirs(f"{path}/{_BLOBS}")

    @contextlib.contextmanager
    def new_blob(self) -> Iterator[Digested]:
        """See `Layout`."""
        temporary = temporary_name(self._path)
        with whole_file(temporary, shown=self._shown) as file:
            blob = Digested(file)
            yield blob
        with writing(self._shown):
            os.rename(temporary, f"{self._path}/{Blob(blob.digest, blob.size).name}")

    def add_file(self, name: str, data: bytes) -> None:
        """See `Layout`."""
        with whole_file(f"{self._path}/{name}", shown=self._shown) as file:
            file.write(data)


@contextlib.contextmanager
def directory_layout(path: str) -> Iterator[DirectoryLayout]:
    """A layout in a new directory, which gets the name `path` when the block succeeds."""
    path = path.rstrip("/") or "/"
    if os.path.lexists(path):
        raise TargetExists(path)
    temporary = temporary_name(os.path.dirname(os.path.abspath(path)))
    try:
        yield DirectoryLayout(temporary, path)
        with writing(path):
            os.rename(temporary, path)  # fails on what is there by now, but for an empty directory
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def archive_layout(path: str, *, force: bool, mode: int) -> Iterator[ArchiveLayout]:
    """A layout in a new archive."""
    with whole_file(path, force=force, mode=mode) as file:
        layout = ArchiveLayout(file)
        yield layout
        layout.end()


def finish_image(
    layout: Layout,
    layers: Sequence[Blob],
    config: Mapping[str, object],
    *,
    name: str | None,
    docker: bool,
) -> str:
    """Write all but the layers (bottom first); returns the image's id, the digest of its config."""
    config_blob = _add_json(layout, config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": config_blob.describe(_CONFIG),
        "layers": [layer.describe(_LAYER) for layer in layers],
    }
    described = _add_json(layout, manifest).describe(_MANIFEST)
    system, architecture = config_name(config)
    described["platform"] = {"os": system, "architecture": architecture}
    if name is not None:
        # containerd reads the first, podman and skopeo the second.
        described["annotations"] = {
            "io.containerd.image.name": full_name(name),
            "org.opencontainers.image.ref.name": name,
        }
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described]}
    layout.add_file("index.json", _json(index))
    layout.add_file("oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
    if docker:
        table = {
            "Config": config_blob.name,
            "RepoTags": None if name is None else [name],
            "Layers": [layer.name for layer in layers],
        }
        layout.add_file("manifest.json", _json([table]))
    return config_blob.digest


def _add_json(layout: Layout, document: object) -> Blob:
    with layout.new_blob() as blob:
        blob.write(_json(document))
    return Blob(blob.digest, blob.size)


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def full_name(name: str) -> str:
    """With the registry that docker means when none is said (distribution/reference)."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"
