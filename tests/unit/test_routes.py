"""Bodies of RTM_NEWROUTE, byte by byte."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.netlink import pack_attribute
from nsview.kernel.routes import Route, parse_route


def route(
    *attributes: bytes,
    family: int = socket.AF_INET,
    length: int = 0,
    table: int = 254,
    kind: int = 1,
    flags: int = 0,
) -> bytes:
    head = struct.pack("=BBBBBBBBI", family, length, 0, 0, table, 3, 0, kind, flags)
    return head + b"".join(attributes)


def v4(kind: int, text: str) -> bytes:
    return pack_attribute(kind, socket.inet_aton(text))


OUT = pack_attribute(4, struct.pack("=i", 7))


def hop(index: int, gateway: str) -> bytes:
    attributes = v4(5, gateway)
    return struct.pack("=HBBi", 8 + len(attributes), 0, 0, index) + attributes


@pytest.mark.parametrize(
    ("body", "routes"),
    [
        (route(OUT, v4(5, "10.0.0.1")), [("default", "10.0.0.1", 7)]),
        (route(OUT, v4(1, "10.0.0.0"), length=8), [("10.0.0.0/8", None, 7)]),
        (route(OUT, v4(1, "10.0.0.9"), length=32), [("10.0.0.9", None, 7)]),
        (
            route(OUT, pack_attribute(1, b"\xfd" + bytes(15)), family=socket.AF_INET6, length=64),
            [("fd00::/64", None, 7)],
        ),
        (
            route(pack_attribute(9, hop(3, "10.0.0.1") + hop(4, "10.0.0.2"))),
            [("default", "10.0.0.1", 3), ("default", "10.0.0.2", 4)],
        ),
        (
            route(OUT, pack_attribute(18, struct.pack("=H", 10) + b"\xfe\x80" + bytes(14))),
            [("default", "fe80::", 7)],
        ),
        (route(OUT, table=255), []),
        (route(OUT, kind=6), []),
        (route(OUT, flags=0x200), []),
        (route(OUT, family=5), []),
        (b"", []),
    ],
)
def test_a_route(body: bytes, routes: list[tuple[str, str | None, int]]) -> None:
    assert parse_route(body) == [
        Route(destination=destination, gateway=gateway, index=index)
        for destination, gateway, index in routes
    ]


@given(st.binary(), st.integers(0, 255))
def test_any_bytes(data: bytes, length: int) -> None:
    parse_route(data)
    parse_route(route(data, length=length))
    parse_route(route(pack_attribute(9, data)))
