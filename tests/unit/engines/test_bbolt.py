"""bbolt: real databases, databases made here, and everything that is none."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from bbolt_writer import LEAF, META, PAGE, branch, database, inline, leaf, meta, pointer
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.bbolt import BboltError, Bucket, parse_bbolt

DATA = Path(__file__).parent / "data"
#: containerd 1.6 with containers in two namespaces; pages that no bucket uses are zeroed.
META_DB = gzip.decompress((DATA / "meta.db.gz").read_bytes())
#: podman 4.3 with five containers and two pods.
BOLT_STATE_DB = gzip.decompress((DATA / "bolt_state.db.gz").read_bytes())


def tree(bucket: Bucket) -> dict[bytes, object]:
    return {
        key: tree(value) if isinstance(value, Bucket) else value for key, value in bucket.items()
    }


def test_real_database_of_containerd() -> None:
    root = parse_bbolt(META_DB)
    containers = root.bucket(b"v1", b"k8s.io", b"containers")
    assert containers is not None
    assert [key for key, _ in containers.buckets()] == [b"ab" * 32, b"c1", b"never"]
    c1 = containers.bucket(b"c1")
    assert c1 is not None
    assert c1.values()[b"image"] == b"docker.io/library/t1:latest"
    assert root.bucket(b"v1", b"no such") is None


def test_real_database_of_podman() -> None:
    pods = parse_bbolt(BOLT_STATE_DB).bucket(b"allPods")
    assert pods is not None
    assert sorted(pods.values().values()) == [b"mypod", b"pod2"]


def test_every_shape_of_bucket() -> None:
    large = b"v" * 5000
    data = database(
        branch(3, [(b"a", 4), (b"k", 5)]),
        leaf(4, [(0, b"a", b"one"), (1, b"b", inline({b"x": b"1", b"y": {}}))]),
        leaf(5, [(1, b"k", pointer(6)), (0, b"z", b"")]),
        leaf(6, [(0, b"large", large)], overflow=1),
    )
    assert tree(parse_bbolt(data)) == {
        b"a": b"one",
        b"b": {b"x": b"1", b"y": {}},
        b"k": {b"large": large},
        b"z": b"",
    }


def test_bucket_may_be_walked_again() -> None:
    data = database(leaf(3, [(1, b"k", pointer(4))]), leaf(4, [(0, b"x", b"1")]))
    root = parse_bbolt(data)
    assert tree(root) == tree(root) == {b"k": {b"x": b"1"}}


@pytest.mark.parametrize("page_size", [4096, 16384, 65536])
def test_page_size_is_the_writers(page_size: int) -> None:
    page = leaf(3, [(0, b"k", b"v")])
    head = struct.pack("<QHHI", 0, META, 0, 0) + meta(3, 7, page_size=page_size)
    data = b"".join(part.ljust(page_size, b"\0") for part in (head, b"", b"", page))
    assert tree(parse_bbolt(data)) == {b"k": b"v"}


def test_newest_good_meta_wins() -> None:
    pages = leaf(3, [(0, b"old", b"")]), leaf(4, [(0, b"new", b"")])
    assert list(parse_bbolt(database(*pages, metas=(meta(4, 9), meta(3, 8)))).values()) == [b"new"]
    torn = bytearray(meta(4, 9))
    torn[20] ^= 1
    assert list(parse_bbolt(database(*pages, metas=(bytes(torn), meta(3, 8)))).values()) == [b"old"]
    with pytest.raises(BboltError, match="checksum"):
        parse_bbolt(database(*pages, metas=(bytes(torn), bytes(torn))))


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([branch(3, [(b"a", 3)])], id="page below itself"),
        pytest.param([branch(3, [(b"a", 4)]), branch(4, [(b"a", 3)])], id="loop of pages"),
        pytest.param([leaf(3, [(1, b"a", pointer(3))])], id="bucket inside itself"),
        pytest.param(
            [leaf(3, [(1, b"a", pointer(4)), (1, b"b", pointer(4))]), leaf(4, [])],
            id="page of two buckets",
        ),
        pytest.param([branch(3, [(b"a", 99)])], id="page outside the file"),
        pytest.param([branch(3, [(b"a", 0)])], id="a meta page as data"),
        pytest.param([branch(3, [(b"a", 4)]), leaf(5, [])], id="page with another's number"),
        pytest.param([leaf(3, [], overflow=9)], id="overflow outside the file"),
        pytest.param([struct.pack("<QHHI", 3, 16, 0, 0)], id="free list as data"),
        pytest.param([struct.pack("<QHHI", 3, LEAF, 999, 0)], id="more elements than fit"),
        pytest.param([leaf(3, [(1, b"a", b"short")])], id="half a bucket"),
        pytest.param([leaf(3, [(1, b"a", pointer(0))])], id="half an inline page"),
        pytest.param(
            [struct.pack("<QHHI4I", 3, LEAF, 1, 0, 0, 16, 4000, 4000)], id="value outside"
        ),
        pytest.param(
            [struct.pack("<QHHI8I", 3, LEAF, 2, 0, 0, 32, 4, 4, 0, 16, 4, 4)], id="overlapping"
        ),
    ],
)
def test_damage_is_said(pages: list[bytes]) -> None:
    with pytest.raises(BboltError):
        tree(parse_bbolt(database(*pages)))


@given(st.binary(max_size=9000))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(BboltError):
        tree(parse_bbolt(data))


@given(st.binary(max_size=PAGE))
def test_any_page(page: bytes) -> None:
    walk_or_error(database(page))


@given(
    st.lists(
        st.tuples(st.integers(0, len(META_DB) - 1), st.integers(0, 255)), min_size=1, max_size=8
    )
)
def test_any_damage_to_a_real_database(changes: list[tuple[int, int]]) -> None:
    data = bytearray(META_DB)
    for at, value in changes:
        data[at] = value
    walk_or_error(bytes(data))


@given(st.data())
def test_any_bit_of_the_pages_in_use(data: st.DataObject) -> None:
    page = data.draw(st.sampled_from(USED_PAGES))
    at = page * PAGE + data.draw(st.integers(0, 511))
    damaged = bytearray(BOLT_STATE_DB)
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    walk_or_error(bytes(damaged))


USED_PAGES = [
    number
    for number in range(len(BOLT_STATE_DB) // PAGE)
    if any(BOLT_STATE_DB[number * PAGE : (number + 1) * PAGE])
]


def walk_or_error(data: bytes) -> None:
    """A walk that never yields more than the file holds, or BboltError."""
    left = len(data)
    todo: list[Bucket] = []
    try:
        todo.append(parse_bbolt(data))
        while todo:
            for key, value in todo.pop().items():
                left -= 16 + len(key)
                assert left > 0, "the walk is longer than the file"
                if isinstance(value, Bucket):
                    todo.append(value)
    except BboltError:
        pass
