"""nf_tables over netlink: make a table in one transaction, and see who else filters.

include/uapi/linux/netfilter/nf_tables.h, Documentation of libnftnl. pyroute2 has an nftables module
that calls itself a prototype: a transaction for each rule (and so a table that is half there for a
while), ``fib`` results encoded as flags, no owned tables. And ``nft`` may not be installed.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

from nsview.kernel.netlink import NETLINK_NETFILTER, Netlink, parse_attributes, parse_messages
from nsview.kernel.nft_expressions import nested, number, text
from nsview.typed import Final, Iterator, Literal, Sequence

IPV4: Final = 2
INET: Final = 1

Hook = Literal["prerouting", "input", "forward", "output", "postrouting"]
#: The kernel's enum nf_inet_hooks.
_HOOKS: Final[tuple[Hook, ...]] = ("prerouting", "input", "forward", "output", "postrouting")
_SUBSYSTEM: Final = 10 << 8
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_NEWTABLE, _NEWCHAIN, _GETCHAIN, _NEWRULE = 0, 3, 4, 6
_NLMSG_ERROR: Final = 2
_REQUEST, _ACK, _EXCL, _CREATE, _APPEND = 0x1, 0x4, 0x200, 0x400, 0x800
_TABLE_OWNED: Final = 0x2
_DROP: Final = 0
_HEADER: Final = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_FAMILY: Final = struct.Struct("!BBH")  # struct nfgenmsg: family, version, resource
_ERROR: Final = struct.Struct("=i")
_LARGEST: Final = 64 * 1024
#: The kernel answers from within sendmsg(): this only bounds a broken one.
_PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A base chain, and each of its rules as a list of expressions."""

    name: str
    kind: Literal["filter", "nat"]
    hook: Hook
    priority: int
    rules: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseChain:
    """What the kernel says of a chain that packets enter by themselves."""

    family: int
    table: str
    name: str
    hook: int
    drops: bool
    """Its policy: what no rule decides is dropped."""

    @property
    def is_forward(self) -> bool:
        """Packets that are not for this host pass it."""
        return self.hook == _HOOKS.index("forward")


def open_socket() -> socket.socket:
    """A socket to nf_tables of our network namespace; OSError where the kernel has none."""
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    opened = socket.socket(socket.AF_NETLINK, kind, NETLINK_NETFILTER)
    opened.settimeout(_PATIENCE)
    return opened


def make_owned_table(link: socket.socket, name: str, chains: Sequence[Chain]) -> None:
    """Make a table for IPv4 that lives as long as the socket and all its duplicates.

    Whole or not at all. Nobody else can change it, ``nft flush ruleset`` included, and a SIGKILL of
    whoever holds the socket removes it (NFT_TABLE_F_OWNER, Linux 5.12). Raises OSError.
    """
    messages = [
        (_BATCH_BEGIN, 0, socket.AF_UNSPEC, b""),
        *_table(name, chains),
        (_BATCH_END, 0, socket.AF_UNSPEC, b""),
    ]
    data = b"".join(
        _message(kind, flags, at, family, body)
        for at, (kind, flags, family, body) in enumerate(messages)
    )
    link.send(data)
    last = len(messages) - 2
    while True:
        for kind, _, sequence, body in parse_messages(link.recv(_LARGEST)):
            if kind != _NLMSG_ERROR:
                continue
            (code,) = _ERROR.unpack_from(body)
            if code:
                raise OSError(-code, os.strerror(-code))
            if sequence == last:
                return


def read_base_chains(netlink: Netlink) -> list[BaseChain]:
    """All base chains of a network namespace, of every family and owner; raises OSError."""
    messages = netlink.dump(_SUBSYSTEM | _GETCHAIN, _FAMILY.pack(socket.AF_UNSPEC, 0, 0))
    return [chain for one in messages if (chain := parse_base_chain(one.body)) is not None]


def parse_base_chain(body: bytes) -> BaseChain | None:
    """Parse an NFT_MSG_NEWCHAIN; None for a chain that others have to jump to."""
    family = body[0]
    fields = parse_attributes(body, _FAMILY.size)
    hook = parse_attributes(fields.get(4, b""))
    if 1 not in hook:
        return None
    return BaseChain(
        family=family,
        table=_string(fields.get(1, b"")),
        name=_string(fields.get(3, b"")),
        hook=int.from_bytes(hook[1], "big"),
        drops=5 in fields and int.from_bytes(fields[5], "big") == _DROP,
    )


def _table(name: str, chains: Sequence[Chain]) -> Iterator[tuple[int, int, int, bytes]]:
    """The messages that make it: type, flags, family, body. The last one is acknowledged."""
    table = text(1, name)
    body = table + number(2, _TABLE_OWNED)
    yield _SUBSYSTEM | _NEWTABLE, _CREATE | _EXCL, IPV4, body
    for chain in chains:
        hook = nested(4, number(1, _HOOKS.index(chain.hook)), number(2, chain.priority))
        body = table + text(3, chain.name) + hook + text(7, chain.kind)
        yield _SUBSYSTEM | _NEWCHAIN, _CREATE | _EXCL, IPV4, body
    rules = [(chain.name, rule) for chain in chains for rule in chain.rules]
    for at, (chain_name, rule) in enumerate(rules):
        body = table + text(2, chain_name) + nested(4, *rule)
        flags = _CREATE | _APPEND | (_ACK if at == len(rules) - 1 else 0)
        yield _SUBSYSTEM | _NEWRULE, flags, IPV4, body


def _message(kind: int, flags: int, sequence: int, family: int, body: bytes) -> bytes:
    resource = _SUBSYSTEM >> 8 if kind in (_BATCH_BEGIN, _BATCH_END) else 0
    head = _FAMILY.pack(family, 0, resource)
    length = _HEADER.size + len(head) + len(body)
    return _HEADER.pack(length, kind, flags | _REQUEST, sequence, 0) + head + body


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
