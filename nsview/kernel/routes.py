"""The main routing table of a network namespace: rtnetlink(7), RTM_GETROUTE."""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

from nsview.kernel.links import address_text
from nsview.kernel.netlink import Netlink, parse_attributes
from nsview.typed import Final, Iterator

_RTM_GETROUTE: Final = 26
# struct rtmsg: family, length of destination and source, tos, table, protocol, scope, type, flags
_ROUTE: Final = struct.Struct("=BBBBBBBBI")
_HOP: Final = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, weight - 1, interface
_INDEX: Final = struct.Struct("=i")

_TABLE_MAIN: Final = 254
_TYPE_UNICAST: Final = 1
_CLONED: Final = 0x200  # a cached exception (IPv6), not a route that somebody made
# include/uapi/linux/rtnetlink.h
_RTA_DST: Final = 1
_RTA_OIF: Final = 4
_RTA_GATEWAY: Final = 5
_RTA_MULTIPATH: Final = 9
_RTA_VIA: Final = 18

_BITS: Final = {socket.AF_INET: 32, socket.AF_INET6: 128}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where packets for `destination` go; one for each hop of a route with several."""

    destination: str
    """``default``, ``10.0.0.0/8``, ``fd00::1``."""
    gateway: str | None
    """None: it is on the link itself."""
    index: int | None
    """Of the interface."""


def read_routes(netlink: Netlink) -> tuple[Route, ...]:
    """The unicast routes of the main table, IPv4 first, as the kernel orders them."""
    routes: list[Route] = []
    for family in _BITS:
        question = _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
        for message in netlink.dump(_RTM_GETROUTE, question):
            routes += parse_route(message.body)
    return tuple(routes)


def parse_route(body: bytes) -> list[Route]:
    """The body of an RTM_NEWROUTE; nothing where it is of another table, or no way to somebody."""
    if len(body) < _ROUTE.size:
        return []
    family, length, _, _, table, _, _, kind, flags = _ROUTE.unpack_from(body)
    if family not in _BITS or (table, kind) != (_TABLE_MAIN, _TYPE_UNICAST) or flags & _CLONED:
        return []
    values = parse_attributes(body, _ROUTE.size)
    destination = "default"
    if length:
        address = address_text(family, values.get(_RTA_DST, b"")) or "?"
        destination = address if length == _BITS[family] else f"{address}/{length}"
    hops = list(_hops(values.get(_RTA_MULTIPATH, b""))) or [(_index(values), values)]
    return [
        Route(destination=destination, gateway=_gateway(family, hop), index=index)
        for index, hop in hops
    ]


def _hops(data: bytes) -> Iterator[tuple[int | None, dict[int, bytes]]]:
    while len(data) >= _HOP.size:
        length, _, _, index = _HOP.unpack_from(data)
        if length < _HOP.size:
            return
        yield index, parse_attributes(data[:length], _HOP.size)
        data = data[length:]


def _index(values: dict[int, bytes]) -> int | None:
    value = values.get(_RTA_OIF, b"")
    return int(_INDEX.unpack(value)[0]) if len(value) == _INDEX.size else None


def _gateway(family: int, values: dict[int, bytes]) -> str | None:
    if _RTA_VIA in values:  # an IPv6 neighbour carries IPv4: struct rtvia, family first
        via = values[_RTA_VIA]
        return address_text(int.from_bytes(via[:2], sys.byteorder), via[2:])
    return address_text(family, values.get(_RTA_GATEWAY, b""))
