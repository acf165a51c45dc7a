"""The writable layer of a stack, as a layer or as an image of all layers."""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast

from nsview.engines.image_files import ImageFiles
from nsview.errors import NsviewError
from nsview.layers.contents import CHUNK
from nsview.layers.image_archive import Blob, Layout, finish_image
from nsview.layers.image_config import new_config
from nsview.layers.layer_directory import GONE, open_layer
from nsview.layers.layer_tar import TarOptions, write_layer
from nsview.layers.layer_walk import NOTHING_BELOW, Findings
from nsview.layers.merge import MergedTree
from nsview.layers.output_file import Digested
from nsview.layers.stack import Layer, Stack
from nsview.layers.tar_split import Unfit, open_part, write_from_split

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
REMADE: Final = "layers below are made from their directories, with other digests than the image's"

Stage = Callable[[int, int], None]
"""Told which layer is begun, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitOptions:
    """What to write besides the layers."""

    tar: TarOptions = field(default_factory=TarOptions)
    name: str | None = None
    """``name:tag``."""
    created: str = "1970-01-01T00:00:00Z"
    """RFC 3339."""
    comment: str = ""
    process: Mapping[str, object] = field(default_factory=dict)
    """How to run it, if no image says so: ``Cmd``, ``Env``."""
    stage: Stage = lambda _number, _count: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What came out."""

    image_id: str
    layers: tuple[Blob, ...]
    """Bottom first; the last one is new."""


def lower_layers(stack: Stack) -> list[Layer]:
    """The layers of the image, topmost first: docker's ``-init`` is the container's own."""
    return [layer for layer in stack.layers[1:] if layer.role in ("lower", "branch")]


def base_of(stack: Stack) -> int:
    """The index from which on a layer's archive may count on what is below.

    Raises `NsviewError` for a stack that has no layer of changes.
    """
    top = stack.layers[0] if stack.layers else None
    if top is None or (len(stack.layers) > 1 and top.role not in ("upper", "branch")):
        raise NsviewError("it has no writable layer")
    if top.path is None:
        raise NsviewError(f"its writable layer ({top.shown_as}) was not found")
    below = lower_layers(stack)
    return below[0].index if below else NOTHING_BELOW


def commit_layer(tree: MergedTree, out: Digested, findings: Findings, options: TarOptions) -> None:
    """Write the archive of the writable layer."""
    write_layer(tree, out, findings, options, base=base_of(tree.stack))


def commit_image(
    tree: MergedTree,
    image: ImageFiles | None,
    layout: Layout,
    findings: Findings,
    options: CommitOptions,
    *,
    docker: bool,
) -> Committed:
    """Write all layers, bottom first, and what makes an image of them."""
    base = base_of(tree.stack)
    below = lower_layers(tree.stack)[::-1]
    writer = _LowerLayers(tree, image, findings, options.tar)
    blobs = []
    for number, layer in enumerate(below, 1):
        options.stage(number, len(below) + 1)
        with layout.new_blob() as out:
            writer.write(layer, out)
        blobs.append(Blob(out.digest, out.size))
    options.stage(len(below) + 1, len(below) + 1)
    with layout.new_blob() as out:
        write_layer(tree, out, findings, options.tar, base=base)
    blobs.append(Blob(out.digest, out.size))
    config = new_config(
        image.config if image else None,
        [blob.digest for blob in blobs],
        [layer.created_by for layer in below],
        created=options.created,
        comment=options.comment,
        process=options.process,
    )
    identity = finish_image(layout, blobs, config, name=options.name, docker=docker)
    return Committed(image_id=identity, layers=tuple(blobs))


class _LowerLayers:
    """Layers of the image: as they came if that can be had, else from their directories."""

    def __init__(
        self,
        tree: MergedTree,
        image: ImageFiles | None,
        findings: Findings,
        options: TarOptions,
    ) -> None:
        self._tree = tree
        self._image = image
        self._findings = findings
        self._options = options

    def write(self, layer: Layer, out: Digested) -> None:
        """Write one archive; the digest tells whether an original was the right one."""
        start = out.mark()
        for source in (self._from_blob, self._from_split):
            try:
                source(layer, out)
                if out.digest == layer.digest:
                    return
            except Unfit:
                pass
            out.go_back(start)
        self._remake(layer, out)

    def _from_blob(self, layer: Layer, out: Digested) -> None:
        path = self._image.blobs.get(layer.digest or "") if self._image else None
        if self._image is None or path is None:
            raise Unfit("no archive")
        fd = open_part(self._image.root, path)
        try:
            for chunk in _unpacked(fd):
                out.write(chunk)
        finally:
            os.close(fd)

    def _from_split(self, layer: Layer, out: Digested) -> None:
        path = self._image.splits.get(layer.digest or "") if self._image else None
        if self._image is None or path is None:
            raise Unfit("nothing to put it together by")
        split = open_part(self._image.root, path)
        try:
            directory = open_layer(layer)
            try:
                write_from_split(split, directory, out)
            finally:
                os.close(directory)
        except OSError as error:
            raise Unfit(str(error)) from None
        finally:
            os.close(split)

    def _remake(self, layer: Layer, out: Digested) -> None:
        try:
            os.close(open_layer(layer))
        except OSError as error:
            if error.errno not in GONE:
                raise
            raise NsviewError(
                f"layer {layer.index} ({layer.shown_as}) was not found",
                hint="--format layer writes the writable layer alone",
            ) from None
        if layer.digest is not None:
            self._findings.add(REMADE, layer.shown_as.lstrip("/"))
        rest = [one.index for one in lower_layers(self._tree.stack) if one.index > layer.index]
        base = rest[0] if rest else NOTHING_BELOW
        write_layer(self._tree, out, self._findings, self._options, top=layer.index, base=base)


def _unpacked(fd: int) -> Iterator[bytes]:
    """The archive in a file, whether packed by gzip or not."""
    try:
        head = os.pread(fd, len(_ZSTD), 0)
        if head == _ZSTD:  # Python 3.14 has a module for it
            raise Unfit("packed by zstd")
        with contextlib.ExitStack() as stack:
            file: BinaryIO = stack.enter_context(open(fd, "rb", closefd=False))
            if head.startswith(_GZIP):
                file = cast(BinaryIO, stack.enter_context(gzip.open(file)))
            while chunk := file.read(CHUNK):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise Unfit(str(error)) from None
