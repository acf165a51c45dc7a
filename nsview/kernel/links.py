"""Interfaces of a network namespace and their addresses: rtnetlink(7).

Words are those of ip-link(8); an index counts within its namespace.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

from nsview.kernel.netlink import Netlink, parse_attributes
from nsview.typed import Final

_RTM_GETLINK: Final = 18
_RTM_GETADDR: Final = 22

_LINK: Final = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_ADDRESS: Final = struct.Struct("=BBBBi")  # struct ifaddrmsg: family, prefix, flags, scope, index
_U32: Final = struct.Struct("=I")
_S32: Final = struct.Struct("=i")
_STATISTICS: Final = struct.Struct("=QQQQ")  # rtnl_link_stats64: packets and bytes, rx and tx each

_IFF_LOOPBACK: Final = 0x8
# include/uapi/linux/if_link.h
_IFLA_ADDRESS: Final = 1
_IFLA_IFNAME: Final = 3
_IFLA_MTU: Final = 4
_IFLA_LINK: Final = 5
_IFLA_MASTER: Final = 10
_IFLA_OPERSTATE: Final = 16
_IFLA_LINKINFO: Final = 18
_IFLA_STATS64: Final = 23
_IFLA_LINK_NETNSID: Final = 37
_IFLA_INFO_KIND: Final = 1
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2

#: enum in include/uapi/linux/if.h, RFC 2863.
_STATES: Final = ("unknown", "absent", "down", "lower down", "testing", "dormant", "up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One interface."""

    index: int
    name: str
    kind: str | None
    """veth, bridge, macvlan, ...; None for a device of hardware, and for the loopback."""
    loopback: bool
    mac: str | None
    """None where it has none: a tunnel, a tun device."""
    mtu: int
    state: str
    """Of `_STATES`; the loopback's is always ``unknown``."""
    master: int | None
    """Index of the bridge, bond or vrf that it is a port of."""
    link: int | None
    """Index of the other end (veth) or of what it lies on (macvlan, ipvlan, vlan)."""
    link_netnsid: int | None
    """The namespace that `link` counts in, as this one numbers it; None: this one itself."""
    rx_bytes: int
    tx_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of an interface."""

    index: int
    text: str
    """``172.17.0.2/16``."""


def read_links(netlink: Netlink) -> tuple[Link, ...]:
    """Every interface of the namespace that the socket asks for, by index."""
    messages = netlink.dump(_RTM_GETLINK, _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
    links = (parse_link(message.body) for message in messages)
    return tuple(sorted((one for one in links if one is not None), key=lambda one: one.index))


def read_addresses(netlink: Netlink) -> tuple[Address, ...]:
    """Every address there, of IPv4 and IPv6."""
    messages = netlink.dump(_RTM_GETADDR, _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
    addresses = (parse_address(message.body) for message in messages)
    return tuple(one for one in addresses if one is not None)


def parse_link(body: bytes) -> Link | None:
    """The body of an RTM_NEWLINK; None where it is not whole."""
    if len(body) < _LINK.size:
        return None
    _, _, index, flags, _ = _LINK.unpack_from(body)
    values = parse_attributes(body, _LINK.size)
    kind = parse_attributes(values.get(_IFLA_LINKINFO, b"")).get(_IFLA_INFO_KIND)
    link, netnsid = _number(values, _IFLA_LINK), _number(values, _IFLA_LINK_NETNSID, _S32)
    if not link and netnsid is not None:
        link = index  # older kernels leave it out where both ends have the same index
    mac = values.get(_IFLA_ADDRESS, b"")
    (state,) = values.get(_IFLA_OPERSTATE, b"")[:1] or b"\0"
    # Its fields have grown in number, and the first are where they were.
    statistics = values.get(_IFLA_STATS64, b"")[: _STATISTICS.size].ljust(_STATISTICS.size, b"\0")
    _, _, rx_bytes, tx_bytes = _STATISTICS.unpack(statistics)
    return Link(
        index=index,
        name=_text(values.get(_IFLA_IFNAME, b"")),
        kind=None if kind is None else _text(kind),
        loopback=bool(flags & _IFF_LOOPBACK),
        mac=mac.hex(":") or None,
        mtu=_number(values, _IFLA_MTU) or 0,
        state=_STATES[state] if state < len(_STATES) else "unknown",
        master=_number(values, _IFLA_MASTER) or None,
        link=link or None,
        link_netnsid=netnsid,
        rx_bytes=rx_bytes,
        tx_bytes=tx_bytes,
    )


def parse_address(body: bytes) -> Address | None:
    """The body of an RTM_NEWADDR; None where it is not whole, or of another family."""
    if len(body) < _ADDRESS.size:
        return None
    family, prefix, _, _, index = _ADDRESS.unpack_from(body)
    values = parse_attributes(body, _ADDRESS.size)
    # Of a point-to-point link, IFA_ADDRESS is the other end's.
    text = address_text(family, values.get(_IFA_LOCAL) or values.get(_IFA_ADDRESS, b""))
    return None if text is None else Address(index=index, text=f"{text}/{prefix}")


def address_text(family: int, value: bytes) -> str | None:
    """An IPv4 or IPv6 address as people write it; None for anything else."""
    if (family, len(value)) not in ((socket.AF_INET, 4), (socket.AF_INET6, 16)):
        return None
    return socket.inet_ntop(family, value)


def _number(values: dict[int, bytes], kind: int, form: struct.Struct = _U32) -> int | None:
    value = values.get(kind, b"")
    return int(form.unpack(value)[0]) if len(value) == form.size else None


def _text(value: bytes) -> str:
    return os.fsdecode(value.split(b"\0", 1)[0])
