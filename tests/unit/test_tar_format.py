"""Headers of archives: what Python's tarfile and GNU tar read is what was written."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.layers import tar_format
from nsview.layers.tar_format import BLOCK, END, Member, encode_header, padding

_PART = st.binary(min_size=1, max_size=130).map(lambda one: one.translate(None, b"\0/") or b"x")
_NAME = (
    st.lists(_PART, min_size=1, max_size=4)
    .map(b"/".join)
    .filter(lambda name: not {b".", b".."} & set(name.split(b"/")))
)
_KINDS = st.sampled_from(
    (
        *(tar_format.FILE, tar_format.LINK, tar_format.SYMLINK, tar_format.CHARACTER),
        *(tar_format.BLOCK_DEVICE, tar_format.DIRECTORY, tar_format.FIFO),
    )
)
_MEMBERS = st.builds(
    Member,
    name=_NAME,
    type=_KINDS,
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32 - 2),
    gid=st.integers(0, 2**32 - 2),
    mtime=st.integers(-(2**40), 2**40),
    link=_NAME,
    major=st.integers(0, 4095),
    minor=st.integers(0, 2**20 - 1),
    records=st.dictionaries(
        st.just(b"SCHILY.xattr.security.capability"), st.binary(min_size=1, max_size=24)
    ),
)


def read_back(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(
        fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape"
    ) as archive:
        return archive.getmembers()


@given(members=st.lists(_MEMBERS, min_size=1, max_size=3))
def test_tarfile_reads_the_same(members: list[Member]) -> None:
    data = b"".join(map(encode_header, members)) + END
    assert len(data) % BLOCK == 0
    for wrote, read in zip(members, read_back(data), strict=True):
        assert os.fsencode(read.name) == wrote.name.rstrip(b"/")
        assert (read.type, read.mode) == (wrote.type, wrote.mode)
        assert (read.uid, read.gid, read.size) == (wrote.uid, wrote.gid, 0)
        assert int(read.mtime) == wrote.mtime
        assert os.fsencode(read.linkname) == wrote.link
        assert (read.devmajor, read.devminor) == (wrote.major, wrote.minor)
        for key, value in wrote.records.items():
            assert os.fsencode(read.pax_headers[key.decode()]) == value


@pytest.mark.skipif(not shutil.which("tar"), reason="needs tar")
@pytest.mark.parametrize(
    "name",
    [
        b"short",
        b"n" * 100,
        b"n" * 101,
        b"d" * 155 + b"/" + b"n" * 100,
        b"d" * 156 + b"/" + b"n" * 100,
        b"d/" * 120 + b"n",
        b"\xff\n = odd",
        "ä".encode() * 90,
    ],
)
def test_tar_reads_the_names(name: bytes) -> None:
    for kind in (tar_format.FILE, tar_format.DIRECTORY):
        data = encode_header(Member(name=name, type=kind, uid=1 << 31, mtime=-5)) + END
        words = ["tar", "--quoting-style=literal", "--null", "-tf", "-"]
        done = subprocess.run(words, input=data, capture_output=True, check=True)
        assert done.stdout == name + (b"/" if kind == tar_format.DIRECTORY else b"") + b"\n"
        assert not done.stderr


def test_a_huge_file_has_its_size() -> None:
    size = 9 << 30
    data = encode_header(Member(name=b"huge", size=size))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        member = archive.next()
    assert member is not None
    assert member.size == size


def test_pax_only_where_it_is_needed() -> None:
    assert len(encode_header(Member(name=b"d" * 155 + b"/" + b"n" * 100))) == BLOCK
    assert len(encode_header(Member(name=b"\xff" * 100, uid=0o7777777, mtime=2**33 - 1))) == BLOCK
    assert len(encode_header(Member(name=b"n" * 101))) == 3 * BLOCK
    assert len(encode_header(Member(name=b"n", uid=0o10000000))) == 3 * BLOCK


@given(st.integers(0, 10**6))
def test_padding(size: int) -> None:
    assert (size + len(padding(size))) % BLOCK == 0
    assert len(padding(size)) < BLOCK


@given(st.binary(max_size=1200))
def test_lengths_of_records_count_themselves(value: bytes) -> None:
    value = value or b"x"
    data = encode_header(Member(name=b"n", records={b"k": value})) + END
    record = data[BLOCK:]
    length = int(record[: record.index(b" ")])
    assert record[:length].endswith(b"k=" + value + b"\n")
