"""Rules that send what arrives at one port to another address: nftables, over nfnetlink.

iptables(8) writes its rules there too (iptables-nft, the default for years), as ``target DNAT``;
nft(8) itself, and netavark by it, as ``nat``. Only destinations that stand in the rule are told,
not those that it looks up in a map (kube-proxy's).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from nsview.kernel.links import address_text
from nsview.kernel.netlink import Netlink, iter_attributes, parse_attributes

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

_GET_RULE: Final = 10 << 8 | 7  # NFNL_SUBSYS_NFTABLES, NFT_MSG_GETRULE
_FAMILY: Final = struct.Struct("=BBH")  # struct nfgenmsg: family, version, resource
_EXPRESSIONS: Final = 4  # NFTA_RULE_EXPRESSIONS
_NAME, _DATA = 1, 2  # NFTA_EXPR_*
_MODULES: Final = "/lib/modules"

#: What a register was loaded with (base, offset and length of `payload`; the key of `meta`).
_DPORT: Final = (2, 2, 2)
_ADDRESSES: Final = ((1, 16, 4), (1, 24, 16))  # the destination's, in the header of IPv4, of IPv6
_L4PROTO: Final = 16  # NFT_META_L4PROTO
_PROTOCOLS: Final = {6: "tcp", 17: "udp", 132: "sctp"}
_DNAT: Final = 1  # NFT_NAT_DNAT
_BY_LENGTH: Final = {4: 2, 16: 10}  # AF_INET, AF_INET6
#: NF_NAT_RANGE_PROTO_SPECIFIED; without it the port stays.
_PORT_IS_SET: Final = 2
# struct nf_nat_range2, and the older nf_nat_range before its end: flags, first and last address,
# first port
_RANGE: Final = struct.Struct("=I16s16sH")
_PORTS: Final = struct.Struct("=4xHH")  # struct xt_tcp, xt_udp: first and last destination port


class Forward(NamedTuple):
    """What comes in for `address` and `port` goes to `to_address` and `to_port`."""

    protocol: str
    address: str | None
    """None: any of the machine's, or whatever other conditions say."""
    port: int
    to_address: str
    to_port: int


def may_be_asked(procfs: Procfs) -> bool:
    """Whether the kernel has nf_tables without loading it, for asking would: that is not looking.

    A kernel that loads no modules has no /proc/modules.
    """
    loaded = procfs.read_file(f"{procfs.root}/modules")
    if loaded is None or b"nf_tables " in loaded:
        return True
    builtin = procfs.read_file(f"{_MODULES}/{os.uname().release}/modules.builtin") or b""
    return b"/nf_tables.ko" in builtin


def read_forwards(netlink: Netlink) -> list[Forward]:
    """All of them in the namespace that `netlink` (NETLINK_NETFILTER) asks for.

    Raises OSError: PermissionError without CAP_NET_ADMIN there.
    """
    messages = netlink.dump(_GET_RULE, _FAMILY.pack(0, 0, 0))
    # Thousands of rules do something else; most can be told at a glance.
    bodies = (one.body for one in messages if b"DNAT\0" in one.body or b"nat\0" in one.body)
    return [forward for body in bodies if (forward := parse_rule(body)) is not None]


def parse_rule(body: bytes) -> Forward | None:
    """The body of an NFT_MSG_NEWRULE; None where it forwards no single port."""
    reading = _Reading()
    for name, values in _expressions(body):
        reading.step(name, values)
    return reading.forward()


def _expressions(body: bytes) -> Iterator[tuple[bytes, dict[int, bytes]]]:
    rule = parse_attributes(body, _FAMILY.size)
    for _, element in iter_attributes(rule.get(_EXPRESSIONS, b"")):
        expression = parse_attributes(element)
        name = expression.get(_NAME, b"").rstrip(b"\0")
        yield name, parse_attributes(expression.get(_DATA, b""))


class _Reading:
    """Goes through a rule as the kernel does, and notes what it compares, and with what."""

    def __init__(self) -> None:
        self._registers: dict[int, object] = {}
        self._protocol: str | None = None
        self._address: str | None = None
        self._port: int | None = None
        self._target: tuple[str, int | None] | None = None

    def step(self, name: bytes, values: dict[int, bytes]) -> None:
        """One expression; those that are not known say nothing about a port."""
        if name == b"payload":
            self._load(values, tuple(_number(values, at) for at in (2, 3, 4)))
        elif name == b"meta":
            self._load(values, _number(values, 2))
        elif name == b"immediate":
            self._load(values, parse_attributes(values.get(2, b"")).get(1))
        elif name == b"cmp" and _number(values, 2) == 0:  # NFT_CMP_EQ
            value = parse_attributes(values.get(3, b"")).get(1, b"")
            self._compare(self._registers.get(_number(values, 1)), value)
        elif name == b"match":
            self._match(values.get(1, b"").rstrip(b"\0"), values.get(3, b""))
        elif name == b"nat" and _number(values, 1) == _DNAT:
            self._nat(values)
        elif name == b"target" and values.get(1, b"").rstrip(b"\0") == b"DNAT":
            self._xt_target(values.get(3, b""))

    def forward(self) -> Forward | None:
        """What it all amounts to."""
        if self._protocol is None or self._port is None or self._target is None:
            return None
        to_address, to_port = self._target
        port = self._port if to_port is None else to_port
        return Forward(self._protocol, self._address, self._port, to_address, port)

    def _load(self, values: dict[int, bytes], what: object) -> None:
        self._registers[_number(values, 1)] = what

    def _compare(self, what: object, value: bytes) -> None:
        if what == _L4PROTO and value:
            self._protocol = _PROTOCOLS.get(value[0])
        elif what == _DPORT:
            self._port = int.from_bytes(value, "big")
        elif what in _ADDRESSES:
            self._address = address_text(_BY_LENGTH.get(len(value), 0), value)

    def _match(self, name: bytes, info: bytes) -> None:
        # The old form of a port; iptables has written the new one since 1.8.8.
        if name in (b"tcp", b"udp") and len(info) >= _PORTS.size:
            first, last = _PORTS.unpack_from(info)
            if first == last:
                self._protocol, self._port = name.decode(), first

    def _nat(self, values: dict[int, bytes]) -> None:
        address = self._registers.get(_number(values, 3))
        port = self._registers.get(_number(values, 5)) if 5 in values else None
        if isinstance(address, bytes):
            to_port = int.from_bytes(port, "big") if isinstance(port, bytes) else None
            self._aim(address, to_port)

    def _xt_target(self, info: bytes) -> None:
        if len(info) < _RANGE.size:
            return
        flags, address, _, _ = _RANGE.unpack_from(info)
        port = int.from_bytes(info[_RANGE.size - 2 : _RANGE.size], "big")
        # A union: an IPv4 address leaves the rest empty.
        length = 16 if any(address[4:]) else 4
        self._aim(address[:length], port if flags & _PORT_IS_SET else None)

    def _aim(self, address: bytes, port: int | None) -> None:
        text = address_text(_BY_LENGTH.get(len(address), 0), address)
        if text is not None:
            self._target = text, port


def _number(values: dict[int, bytes], kind: int) -> int:
    # nftables' numbers are big-endian; absent is 0, which is no register, offset or length here.
    return int.from_bytes(values.get(kind, b""), "big")
