"""Rules that send what arrives at one port to another address: nftables, over nfnetlink.

iptables(8) writes its rules there too (iptables-nft, the default for years), as ``target DNAT``;
nft(8) itself, and netavark by it, as ``nat``. Only destinations that stand in the rule are told,
not those that it looks up in a map (kube-proxy's).
"""

from __future__ import annotations

import os
import struct

from nsview.kernel.links import address_text
from nsview.kernel.netlink import Netlink, iter_attributes, parse_attributes
from nsview.kernel.xtables import PROTOCOLS, Forward, Target, parse_port, parse_target
from nsview.typed import TYPE_CHECKING, Final, Iterator

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
_DNAT: Final = 1  # NFT_NAT_DNAT
_BY_LENGTH: Final = {4: 2, 16: 10}  # AF_INET, AF_INET6


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
        self._target: Target | None = None

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
            self._match(_text(values.get(1, b"")), values.get(3, b""))
        elif name == b"nat" and _number(values, 1) == _DNAT:
            self._nat(values)
        elif name == b"target":
            text, revision = _text(values.get(1, b"")), _number(values, 2)
            self._target = parse_target(text, revision, values.get(3, b""))

    def forward(self) -> Forward | None:
        """What it all amounts to."""
        if self._protocol is None or self._port is None or self._target is None:
            return None
        port = self._port if self._target.port is None else self._target.port
        return Forward(self._protocol, self._address, self._port, self._target.address, port)

    def _load(self, values: dict[int, bytes], what: object) -> None:
        self._registers[_number(values, 1)] = what

    def _compare(self, what: object, value: bytes) -> None:
        if what == _L4PROTO and value:
            self._protocol = PROTOCOLS.get(value[0])
        elif what == _DPORT:
            self._port = int.from_bytes(value, "big")
        elif what in _ADDRESSES:
            self._address = address_text(_BY_LENGTH.get(len(value), 0), value)

    def _match(self, name: str, info: bytes) -> None:
        # The old form of a port; iptables has written the new one since 1.8.8.
        port = parse_port(name, info)
        if port is not None:
            self._protocol, self._port = name, port

    def _nat(self, values: dict[int, bytes]) -> None:
        address = self._value(values, 3)
        port = self._value(values, 5)
        text = address_text(_BY_LENGTH.get(len(address), 0), address) if address else None
        if text is not None:
            self._target = Target(text, int.from_bytes(port, "big") if port else None)

    def _value(self, values: dict[int, bytes], kind: int) -> bytes:
        value = self._registers.get(_number(values, kind))
        return value if isinstance(value, bytes) else b""


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("ascii", "replace")


def _number(values: dict[int, bytes], kind: int) -> int:
    # nftables' numbers are big-endian; absent is 0, which is no register, offset or length here.
    return int.from_bytes(values.get(kind, b""), "big")
