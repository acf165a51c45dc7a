"""Bodies of RTM_NEWLINK and RTM_NEWADDR, byte by byte."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.links import Address, address_text, parse_address, parse_link
from nsview.kernel.netlink import pack_attribute

VETH = pack_attribute(18, pack_attribute(1, b"veth\0"))


def link(*attributes: bytes, index: int = 7, flags: int = 0x1003) -> bytes:
    return struct.pack("=BxHiII", 0, 1, index, flags, 0) + b"".join(attributes)


def address(family: int, prefix: int, *attributes: bytes) -> bytes:
    return struct.pack("=BBBBi", family, prefix, 0, 0, 7) + b"".join(attributes)


def test_the_end_of_a_cable() -> None:
    body = link(
        pack_attribute(3, b"eth0\0"),
        pack_attribute(1, bytes.fromhex("0242ac110002")),
        pack_attribute(4, struct.pack("=I", 1500)),
        pack_attribute(5, struct.pack("=I", 23)),
        pack_attribute(37, struct.pack("=i", 0)),
        pack_attribute(10, struct.pack("=I", 3)),
        pack_attribute(16, b"\6"),
        pack_attribute(23, struct.pack("=24Q", 1, 2, 300, 400, *range(20))),
        VETH,
    )
    one = parse_link(body)
    assert one is not None
    assert (one.index, one.name, one.kind, one.mac) == (7, "eth0", "veth", "02:42:ac:11:00:02")
    assert (one.mtu, one.state, one.link, one.link_netnsid, one.master) == (1500, "up", 23, 0, 3)
    assert (one.rx_bytes, one.tx_bytes, one.loopback) == (300, 400, False)


def test_an_end_whose_index_older_kernels_leave_out() -> None:
    one = parse_link(link(VETH, pack_attribute(37, struct.pack("=i", 4)), index=9))
    assert one is not None
    assert (one.link, one.link_netnsid) == (9, 4)


def test_an_interface_that_says_little() -> None:
    one = parse_link(link(pack_attribute(3, b"\xff\x1b\0"), flags=0x8))
    assert one is not None
    assert (one.name, one.kind, one.mac, one.loopback) == ("\udcff\x1b", None, None, True)
    assert (one.link, one.link_netnsid, one.master, one.rx_bytes) == (None, None, None, 0)
    assert one.state == "unknown"


@pytest.mark.parametrize("state", [0, 7, 255])
def test_states_that_are_none(state: int) -> None:
    one = parse_link(link(pack_attribute(16, bytes([state]))))
    assert one is not None
    assert one.state == "unknown"


def test_addresses() -> None:
    ours = socket.inet_aton("10.0.0.1")
    theirs = socket.inet_aton("10.0.0.2")
    plain = address(socket.AF_INET, 24, pack_attribute(1, ours), pack_attribute(2, ours))
    assert parse_address(plain) == Address(index=7, text="10.0.0.1/24")
    point = address(socket.AF_INET, 32, pack_attribute(1, theirs), pack_attribute(2, ours))
    assert parse_address(point) == Address(index=7, text="10.0.0.1/32")
    six = address(socket.AF_INET6, 64, pack_attribute(1, bytes(15) + b"\1"))
    assert parse_address(six) == Address(index=7, text="::1/64")
    assert parse_address(address(5, 0, pack_attribute(1, ours))) is None
    assert parse_address(b"") is None
    assert address_text(socket.AF_INET, b"") is None


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    parse_link(data)
    parse_link(link(data))
    parse_address(data)
    parse_address(address(socket.AF_INET6, 64, data))
