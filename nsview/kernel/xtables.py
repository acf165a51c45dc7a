"""Rules of iptables(8) that send what arrives at one port to another address.

iptables-legacy keeps them as a table of its own structures, read by getsockopt(2); iptables-nft
puts the same matches and targets into rules of nftables (`nsview.kernel.nftables`). IPv4 alone is
read here. include/uapi/linux/netfilter_ipv4/ip_tables.h
"""

from __future__ import annotations

import errno
import socket
import struct

from nsview.kernel.syscalls import getsockopt
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Final, Iterator

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

PROTOCOLS: Final = {6: "tcp", 17: "udp", 132: "sctp"}

_SO_GET_INFO: Final = 64
_SO_GET_ENTRIES: Final = 65
_TABLE: Final = b"nat"
_INFO: Final = struct.Struct("=32s44xII")  # struct ipt_getinfo: name, hooks, entries, size
_REQUEST: Final = struct.Struct("=32sI4x")  # struct ipt_get_entries: name, size
# struct ipt_entry: source, destination, their masks, interfaces, protocol, flags, inversions,
# offset of the target, of the next entry, counters
_ENTRY: Final = struct.Struct("=4x4s4x4s64xHxB4xHH4x16x")
_EXTENSION: Final = struct.Struct("=H29sB")  # struct xt_entry_match, xt_entry_target: size, name
_INVERTED_DESTINATION: Final = 0x10  # IPT_INV_DSTIP
_INVERTED_PROTOCOL: Final = 0x40  # XT_INV_PROTO
_HOST: Final = b"\xff" * 4
_RETRIES: Final = 3

#: NF_NAT_RANGE_PROTO_SPECIFIED; without it the port stays.
_PORT_IS_SET: Final = 2
# DNAT of revision 0: number of ranges; flags, first and last address, first port
_RANGE_0: Final = struct.Struct("=4xI4s4x2s")
# Of 1 and 2, struct nf_nat_range and nf_nat_range2: flags, first and last address, first port
_RANGE: Final = struct.Struct("=I16s16x2s")
_PORTS: Final = struct.Struct("=4xHH")  # struct xt_tcp, xt_udp: first and last destination port


class Forward(NamedTuple):
    """What comes in for `address` and `port` goes to `to_address` and `to_port`."""

    protocol: str
    address: str | None
    """None: any of the machine's, or whatever other conditions say."""
    port: int
    to_address: str
    to_port: int


class Target(NamedTuple):
    """Where a DNAT leads."""

    address: str
    port: int | None
    """None: the port stays."""


def read_table(procfs: Procfs) -> list[Forward]:
    """The forwards of the calling thread's network namespace; none where it has no such table.

    Raises OSError: PermissionError without CAP_NET_ADMIN there.
    """
    # Asking for a table that is not there would make the kernel load and register it.
    names = procfs.read_file(f"{procfs.root}/thread-self/net/ip_tables_names") or b""
    if _TABLE not in names.split():
        return []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as one:
        for _ in range(_RETRIES):
            info = bytearray(_INFO.pack(_TABLE, 0, 0))
            getsockopt(one.fileno(), socket.SOL_IP, _SO_GET_INFO, info)
            _, _, size = _INFO.unpack(info)
            entries = bytearray(_REQUEST.pack(_TABLE, size)) + bytes(size)
            try:
                getsockopt(one.fileno(), socket.SOL_IP, _SO_GET_ENTRIES, entries)
            except BlockingIOError:  # EAGAIN: the table was replaced in between
                continue
            return parse_entries(bytes(entries[_REQUEST.size :]))
    raise OSError(errno.EAGAIN, "the table changes all the time")


def parse_entries(data: bytes) -> list[Forward]:
    """The forwards among the entries of a table."""
    found = []
    at = 0
    while at + _ENTRY.size <= len(data):
        *_, target_at, next_at = _ENTRY.unpack_from(data, at)
        if next_at < _ENTRY.size or at + next_at > len(data):
            break
        forward = _parse_entry(data[at : at + next_at], target_at)
        if forward is not None:
            found.append(forward)
        at += next_at
    return found


def parse_port(name: str, info: bytes) -> int | None:
    """The one destination port that a match ``tcp`` or ``udp`` wants; None of several."""
    if name not in PROTOCOLS.values() or len(info) < _PORTS.size:
        return None
    first, last = _PORTS.unpack_from(info)
    return int(first) if first == last else None


def parse_target(name: str, revision: int, info: bytes) -> Target | None:
    """Where a target ``DNAT`` leads; None of any other one."""
    form = _RANGE_0 if revision == 0 else _RANGE
    if name != "DNAT" or len(info) < form.size:
        return None
    flags, address, port = form.unpack_from(info)
    number = int.from_bytes(port, "big") if flags & _PORT_IS_SET else None
    # A union of both families: IPv4 leaves the rest of it empty.
    if any(address[4:]):
        return Target(socket.inet_ntop(socket.AF_INET6, address), number)
    return Target(socket.inet_ntop(socket.AF_INET, address[:4]), number)


def _parse_entry(entry: bytes, target_at: int) -> Forward | None:
    destination, mask, number, inverted, *_ = _ENTRY.unpack_from(entry)
    protocol = None if inverted & _INVERTED_PROTOCOL else PROTOCOLS.get(number)
    port = target = None
    for name, _, info in _extensions(entry[_ENTRY.size : target_at]):
        port = parse_port(name, info) if name == protocol else port
    for name, revision, info in _extensions(entry[target_at:]):
        target = parse_target(name, revision, info)
    if protocol is None or port is None or target is None:
        return None
    exact = mask == _HOST and not inverted & _INVERTED_DESTINATION
    return Forward(
        protocol=protocol,
        address=socket.inet_ntop(socket.AF_INET, destination) if exact else None,
        port=port,
        to_address=target.address,
        to_port=port if target.port is None else target.port,
    )


def _extensions(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    while len(data) >= _EXTENSION.size:
        size, name, revision = _EXTENSION.unpack_from(data)
        if size < _EXTENSION.size:
            return
        text = name.split(b"\0", 1)[0].decode("ascii", "replace")
        yield text, revision, data[_EXTENSION.size : size]
        data = data[size:]
