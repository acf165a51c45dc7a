"""A layer's own tar archive, byte for byte, from its directory and what its engine kept of it.

Docker and podman keep ``tar-split.json.gz``: a line of JSON for each piece, either bytes that were
between the files (type 2, ``payload``), or the name of a file whose content comes next (type 1).
github.com/vbatts/tar-split: tar/storage.
"""

from __future__ import annotations

import binascii
import gzip
import os
import zlib
from base64 import b64decode
from collections.abc import Iterator
from typing import Final

from nsview.engines.untrusted import number, parse_json, text
from nsview.kernel.safe_open import open_below, open_regular
from nsview.layers.contents import CHUNK
from nsview.layers.output_file import Digested

_FILE, _SEGMENT = 1, 2
#: A segment is what is between two files: headers, and padding. Real ones have kilobytes.
_LONGEST_LINE: Final = 64 << 20


class Unfit(Exception):  # noqa: N818 - the condition: another source has to be found
    """The archive cannot be put together again."""


def write_from_split(split: int, layer: int, out: Digested) -> None:
    """Write the archive that the file open as `split` describes, with contents below `layer`.

    Raises `Unfit`. Whether it is the archive that it should be, only its digest tells.
    """
    for line in _lines(split):
        entry = parse_json(line)
        kind = number(entry, "type")
        if kind == _SEGMENT:
            out.write(_bytes(entry, "payload"))
        elif kind != _FILE:
            raise Unfit("an unknown piece")
        elif size := number(entry, "size"):
            _copy(layer, _name(entry), size, out)


def _lines(split: int) -> Iterator[bytes]:
    with open(split, "rb", closefd=False) as packed, gzip.open(packed) as lines:
        try:
            while line := lines.readline(_LONGEST_LINE):
                yield line
        except (OSError, EOFError, zlib.error) as error:
            raise Unfit(str(error)) from None


def _bytes(entry: object, key: str) -> bytes:
    try:
        return b64decode(text(entry, key) or "", validate=True)
    except (binascii.Error, ValueError):
        raise Unfit(f"no {key}") from None


def _name(entry: object) -> str:
    return os.fsdecode(_bytes(entry, "name_raw")) or text(entry, "name") or ""


def _copy(layer: int, name: str, size: int | float, out: Digested) -> None:
    # The archive may hold "lib/x" after the link "lib": it is followed, never out of the layer.
    fd = open_part(layer, name)
    try:
        done = 0
        while done <= size and (chunk := os.read(fd, CHUNK)):
            out.write(chunk)
            done += len(chunk)
    except OSError as error:
        raise Unfit(str(error)) from None
    finally:
        os.close(fd)
    if done != size:
        raise Unfit(f"{name} has another size")


def open_part(root: int | str, path: str) -> int:
    """Open a regular file below `root` for reading; raises `Unfit`."""
    try:
        handle = open_below(root, path, os.O_PATH)
        try:
            fd = open_regular(handle)
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:  # ValueError: a NUL in a name
        raise Unfit(str(error)) from None
    if fd is None:
        raise Unfit(f"{path} is no file")
    return fd
