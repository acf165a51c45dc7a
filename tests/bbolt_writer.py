"""Write bbolt databases, good ones and deliberately bad ones.

Pages 0 and 1 are the metas, 2 would be the free list's; those given start at 3, which is the root.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

PAGE = 4096
BRANCH, LEAF, META = 1, 2, 4


def checksum(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def meta(root: int, transaction: int, *, page_size: int = PAGE) -> bytes:
    body = struct.pack("<4I5Q", 0xED0CDAED, 2, page_size, 0, root, 0, 2, 99, transaction)
    return body + struct.pack("<Q", checksum(body))


def leaf(number: int, elements: list[tuple[int, bytes, bytes]], overflow: int = 0) -> bytes:
    head = struct.pack("<QHHI", number, LEAF, len(elements), overflow)
    table, body = b"", b""
    for index, (flags, key, value) in enumerate(elements):
        position = (len(elements) - index) * 16 + len(body)
        table += struct.pack("<4I", flags, position, len(key), len(value))
        body += key + value
    return head + table + body


def branch(number: int, children: list[tuple[bytes, int]]) -> bytes:
    head = struct.pack("<QHHI", number, BRANCH, len(children), 0)
    table, body = b"", b""
    for index, (key, page) in enumerate(children):
        table += struct.pack("<IIQ", (len(children) - index) * 16 + len(body), len(key), page)
        body += key
    return head + table + body


def database(*pages: bytes, metas: tuple[bytes, bytes] | None = None) -> bytes:
    both = metas or (meta(3, 1), meta(3, 2))
    heads = [struct.pack("<QHHI", number, META, 0, 0) + both[number] for number in (0, 1)]
    return b"".join(
        page.ljust(-(-len(page) // PAGE) * PAGE or PAGE, b"\0") for page in (*heads, b"", *pages)
    )


def pointer(root: int) -> bytes:
    return struct.pack("<QQ", root, 0)


Tree = Mapping[bytes, "bytes | Tree"]


def inline(tree: Tree) -> bytes:
    """The value of a bucket whose only page is inside it."""
    return pointer(0) + leaf(0, elements(tree))


def elements(tree: Tree) -> list[tuple[int, bytes, bytes]]:
    """What a leaf page holds for each key, sorted as bbolt sorts."""
    return [
        (0, key, value) if isinstance(value, bytes) else (1, key, inline(value))
        for key, value in sorted(tree.items())
    ]
