"""A table of iptables-legacy, byte by byte."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.xtables import Forward, Target, parse_entries, parse_port, parse_target

TO = socket.inet_aton("172.17.0.2")
ANY, LOCALHOST = bytes(4), bytes([127, 0, 0, 1])


def extension(name: str, info: bytes, revision: int = 0) -> bytes:
    return struct.pack("=H29sB", 32 + len(info), name.encode(), revision) + info


def ports(first: int, last: int) -> bytes:
    return struct.pack("=HHHHQ", 0, 65535, first, last, 0)


def dnat_0(port: int, *, flags: int = 3) -> bytes:
    both = struct.pack(">HH", port, port)
    return extension("DNAT", struct.pack("=II", 1, flags) + TO + TO + both)


def entry(
    matches: bytes, target: bytes, *, destination: bytes = ANY, protocol: int = 6, inverted: int = 0
) -> bytes:
    mask = b"\xff" * 4 if destination != ANY else ANY
    head = ANY + destination + ANY + mask + bytes(64)
    head += struct.pack("=HBBIHHI16x", protocol, 0, inverted, 0, 112 + len(matches),
                        112 + len(matches) + len(target), 0)  # fmt: skip
    return head + matches + target


TCP = extension("tcp", ports(18080, 18080))
ACCEPT = extension("", struct.pack("=ixxxx", -2))


@pytest.mark.parametrize(
    ("data", "forwards"),
    [
        (entry(TCP, dnat_0(80)), [(None, 18080, "172.17.0.2", 80)]),
        (entry(TCP, dnat_0(80), destination=LOCALHOST), [("127.0.0.1", 18080, "172.17.0.2", 80)]),
        (
            entry(TCP, dnat_0(80), destination=LOCALHOST, inverted=0x10),
            [(None, 18080, "172.17.0.2", 80)],
        ),
        (entry(TCP, dnat_0(0, flags=1)), [(None, 18080, "172.17.0.2", 18080)]),
        (entry(TCP, ACCEPT) + entry(TCP, dnat_0(80)), [(None, 18080, "172.17.0.2", 80)]),
        (entry(extension("tcp", ports(1, 9)), dnat_0(80)), []),
        (entry(b"", dnat_0(80)), []),
        (entry(TCP, dnat_0(80), protocol=17), []),
        (entry(TCP, dnat_0(80), inverted=0x40), []),
        (entry(TCP, dnat_0(80))[:-1], []),
    ],
)
def test_a_table(data: bytes, forwards: list[tuple[str | None, int, str, int]]) -> None:
    assert parse_entries(data) == [Forward("tcp", *one) for one in forwards]


def test_later_revisions_have_room_for_ipv6() -> None:
    six = b"\xfd" + bytes(14) + b"\2"
    for address, text in ((TO.ljust(16, b"\0"), "172.17.0.2"), (six, "fd00::2")):
        info = struct.pack("=I", 3) + address * 2 + struct.pack(">HHH", 80, 80, 0)
        assert parse_target("DNAT", 2, info) == Target(text, 80)
    assert parse_target("SNAT", 2, info) is None
    assert parse_target("DNAT", 2, b"") is None
    assert parse_port("multiport", ports(1, 1)) is None


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    parse_entries(data)
    parse_entries(entry(data, data))
    parse_target("DNAT", 0, data)
    parse_target("DNAT", 2, data)
    parse_port("udp", data)
