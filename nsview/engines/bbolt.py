"""Walk a bbolt database: containerd's meta.db, podman's bolt_state.db.

Their daemons hold an exclusive flock as long as they live, so we never lock: we work on a copy of
the bytes. bbolt is copy-on-write and never writes to a page that its newest transaction uses: a
copy is good when the meta pages were the same before and after it was made (`nsview.engines.disk`
looks). The format: go.etcd.io/bbolt, internal/common/{page,meta,bucket}.go.

::

    page   id u64, flags u16, count u16, overflow u32, then `count` elements
    meta   two of them, on pages 0 and 1; the one of the highest transaction with a good checksum
    branch element: key position u32, key size u32, page u64
    leaf   element: flags u32 (1: the value is a bucket), position u32, key size u32, value size u32
    bucket root page u64, sequence u64; root 0: its only page follows inline

Positions count from their own element. Every page and every byte belongs to one place, and we
insist on that: so a walk is never longer than the file, whatever somebody wrote into it.
"""

from __future__ import annotations

import struct

from nsview.typed import Iterator

_PAGE = struct.Struct("<QHHI")
_BRANCH_ELEMENT = struct.Struct("<IIQ")
_LEAF_ELEMENT = struct.Struct("<IIII")
_BUCKET = struct.Struct("<QQ")
_META = struct.Struct("<IIIIQQQQQQ")
_CHECKSUMMED = _META.size - 8
_ELEMENT_SIZE = 16

_MAGIC = 0xED0CDAED
_VERSION = 2
_BRANCH_PAGE = 0x01
_LEAF_PAGE = 0x02
_BUCKET_LEAF = 0x01

#: os.Getpagesize() of the machine that made the file.
_PAGE_SIZES = (4096, 8192, 16384, 32768, 65536)


class BboltError(ValueError):
    """The bytes are no bbolt database, or a damaged or torn one."""


class Bucket:
    """A sorted map of keys to values and to further buckets. Iterating may raise BboltError."""

    __slots__ = ("_end", "_pages", "_start")

    def __init__(self, pages: _Pages, start: int, end: int) -> None:
        self._pages = pages
        self._start = start
        self._end = end

    def items(self) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """All keys with their values, sorted."""
        data = self._pages.data
        for flags, key, value, end in self._pages.leaves(self._start, self._end):
            name = data[key:value]
            yield name, self._pages.bucket(value, end) if flags & _BUCKET_LEAF else data[value:end]

    def values(self) -> dict[bytes, bytes]:
        """The plain values, without the buckets."""
        return {key: value for key, value in self.items() if isinstance(value, bytes)}

    def buckets(self) -> Iterator[tuple[bytes, Bucket]]:
        """The buckets, without the plain values."""
        for key, value in self.items():
            if isinstance(value, Bucket):
                yield key, value

    def bucket(self, *names: bytes) -> Bucket | None:
        """The bucket below `names`, each inside the one before."""
        found = self
        for name in names:
            inner = next((bucket for key, bucket in found.buckets() if key == name), None)
            if inner is None:
                return None
            found = inner
        return found


def parse_bbolt(data: bytes) -> Bucket:
    """Return the root bucket of the newest transaction in a copy of a database file."""
    metas = [meta for size in _PAGE_SIZES for meta in _metas(data, size)]
    if not metas:
        raise BboltError("no meta page with a good checksum")
    _, page_size, root, meta_at = max(metas)
    pages = _Pages(data, page_size)
    return Bucket(pages, *pages.claim(root, meta_at))


def _metas(data: bytes, page_size: int) -> Iterator[tuple[int, int, int, int]]:
    for at in (_PAGE.size, page_size + _PAGE.size):
        if at + _META.size > len(data):
            return
        fields = _META.unpack_from(data, at)
        magic, version, size, _flags, root, _sequence, _freelist, _high, transaction, check = fields
        if (magic, version, size) != (_MAGIC, _VERSION, page_size):
            continue
        if _fnv1a_64(data[at : at + _CHECKSUMMED]) == check:
            yield transaction, page_size, root, at


def _fnv1a_64(data: bytes) -> int:
    """Go's hash/fnv New64a, which bbolt's meta pages are checked with."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


class _Pages:
    """The bytes, and who refers to each page. All positions count from the start of the file."""

    __slots__ = ("_page_size", "_referrers", "data")

    def __init__(self, data: bytes, page_size: int) -> None:
        self.data = data
        self._page_size = page_size
        self._referrers: dict[int, int] = {}

    def claim(self, number: int, referrer: int) -> tuple[int, int]:
        """Where page `number` starts and ends, overflow included; only one may refer to it."""
        start = number * self._page_size
        if start + self._page_size > len(self.data):
            raise BboltError("a page outside the file")
        identity, _flags, _count, overflow = _PAGE.unpack_from(self.data, start)
        end = start + (overflow + 1) * self._page_size
        if identity != number or end > len(self.data):
            raise BboltError("a page that is not what its place says")
        if self._referrers.get(number) != referrer:
            for page in range(number, number + overflow + 1):
                if self._referrers.setdefault(page, referrer) != referrer:
                    raise BboltError("a page that belongs to two")
        return start, end

    def bucket(self, start: int, end: int) -> Bucket:
        """The bucket that the value at `start` to `end` stands for."""
        if end - start < _BUCKET.size:
            raise BboltError("half a bucket")
        root, _sequence = _BUCKET.unpack_from(self.data, start)
        if root:
            return Bucket(self, *self.claim(root, start))
        return Bucket(self, start + _BUCKET.size, end)

    def leaves(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Flags, start of key, start and end of value of all elements at and below a page."""
        todo = [(start, end)]
        while todo:
            start, end = todo.pop()
            if end - start < _PAGE.size:
                raise BboltError("half a page")
            _number, flags, count, _overflow = _PAGE.unpack_from(self.data, start)
            if flags == _LEAF_PAGE:
                yield from self._leaf(start, end, count)
            elif flags == _BRANCH_PAGE:
                children = list(self._branch(start, end, count))
                todo.extend(reversed(children))
            else:
                raise BboltError("a page that is neither branch nor leaf")

    def _leaf(self, start: int, end: int, count: int) -> Iterator[tuple[int, int, int, int]]:
        first = start + _PAGE.size
        free = first + count * _ELEMENT_SIZE
        if free > end:
            raise BboltError("elements outside their page")
        for at in range(first, free, _ELEMENT_SIZE):
            flags, position, key_size, value_size = _LEAF_ELEMENT.unpack_from(self.data, at)
            key = at + position
            value = key + key_size
            # Written one after the other: what overlaps was not written by bbolt.
            if key < free or value + value_size > end:
                raise BboltError("an element outside its place")
            free = value + value_size
            yield flags, key, value, free

    def _branch(self, start: int, end: int, count: int) -> Iterator[tuple[int, int]]:
        first = start + _PAGE.size
        free = first + count * _ELEMENT_SIZE
        if free > end:
            raise BboltError("elements outside their page")
        for at in range(first, free, _ELEMENT_SIZE):
            _position, _key_size, page = _BRANCH_ELEMENT.unpack_from(self.data, at)
            yield self.claim(page, at)
