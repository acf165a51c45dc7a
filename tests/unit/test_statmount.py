"""struct statmount: any bytes, and a record put together by hand."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.mountinfo import Mount, Propagation
from nsview.kernel.statmount import parse_statmount


def record(**fields: tuple[str, int]) -> bytearray:
    """Lay out values at their offsets in struct statmount (include/uapi/linux/mount.h)."""
    offsets = {
        "mnt_opts": 4, "mask": 8, "major": 16, "minor": 20, "sb_flags": 32, "fs_type": 36,
        "mnt_id": 40, "id": 56, "parent": 60, "attributes": 64, "propagation": 72,
        "peer_group": 80, "master": 88, "propagate_from": 96, "root": 104, "target": 108,
        "subtype": 120, "source": 124,
    }  # fmt: skip
    data = bytearray(512)
    for name, (form, value) in fields.items():
        struct.pack_into("=" + form, data, offsets[name], value)
    return data


def test_every_field_at_its_offset() -> None:
    data = record(
        mask=("Q", 0x3BF),
        mnt_opts=("I", 0),
        fs_type=("I", 11),
        root=("I", 16),
        target=("I", 18),
        subtype=("I", 24),
        source=("I", 30),
        major=("I", 8),
        minor=("I", 1),
        sb_flags=("I", 0x91),
        mnt_id=("Q", 1 << 63),
        id=("I", 44),
        parent=("I", 43),
        attributes=("Q", 0x20000F),
        propagation=("Q", 0x100000),
        peer_group=("Q", 5),
        master=("Q", 6),
        propagate_from=("Q", 7),
    )
    data += b"a=\\040,b=c\0fuse\0/\0/a b\xff\0sshfs\0host:\0"
    assert parse_statmount(bytes(data)) == Mount(
        id=44,
        parent=43,
        major=8,
        minor=1,
        root="/",
        target=os.fsdecode(b"/a b\xff"),
        fstype="fuse",
        subtype="sshfs",
        source="host:",
        options=("ro", "nosuid", "nodev", "noexec", "relatime", "nosymfollow"),
        super_options=("ro", "sync", "dirsync", "a=\\040", "b=c"),
        propagation=Propagation(shared=5, master=6, propagate_from=7),
        unique_id=1 << 63,
    )


def test_what_the_mask_does_not_say_is_empty() -> None:
    mount = parse_statmount(bytes(record(mask=("Q", 0), source=("I", 0))) + b"x\0")
    assert (mount.source, mount.target, mount.fstype) == ("", "", "")


@given(st.binary(min_size=512))
def test_any_bytes(data: bytes) -> None:
    parse_statmount(data)


@given(st.binary(max_size=511))
def test_too_short(data: bytes) -> None:
    with pytest.raises(ValueError, match="struct statmount"):
        parse_statmount(data)
