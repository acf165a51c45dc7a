"""The expressions that a rule of nf_tables is made of, as netlink attributes.

A rule is a program for a small machine: ``payload``, ``meta``, ``ct`` and ``fib`` load something
into a register, ``cmp`` goes on only if it is equal, and a verdict, ``nat`` or ``masq`` ends it.
include/uapi/linux/netfilter/nf_tables.h has the numbers.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Network

from nsview.kernel.netlink import pack_attribute as attribute
from nsview.typed import Final

ESTABLISHED_OR_RELATED: Final = struct.pack("=I", 0x2 | 0x4)  # NF_CT_STATE_BIT
DESTINATION_CHANGED: Final = struct.pack("=I", 1 << 5)  # IPS_DST_NAT

_IIFNAME, _OIFNAME, _L4PROTO = 6, 7, 16
_CT_STATE, _CT_STATUS = 0, 2
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_SOURCE, _DESTINATION = 12, 16  # offsets in struct iphdr
_DESTINATION_PORT: Final = 2  # in the headers of TCP and UDP
_FIB_ADDRESS_TYPE: Final = 3
_FIB_OF_DESTINATION: Final = 1 << 1
_RTN_LOCAL: Final = struct.pack("=I", 2)
_DESTINATION_NAT: Final = 1
_IPV4: Final = 2
_EQUAL, _NOT_EQUAL = 0, 1
_NAME_BYTES: Final = 16  # IFNAMSIZ
_VERDICT_REGISTER, _REGISTER, _SECOND_REGISTER = 0, 1, 2
_NESTED: Final = 0x8000


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute that is made of attributes."""
    return attribute(kind | _NESTED, b"".join(attributes))


def number(kind: int, value: int) -> bytes:
    """A number of 32 bits: big-endian everywhere in nf_tables."""
    return attribute(kind, struct.pack("!I", value & 0xFFFFFFFF))


def text(kind: int, value: str) -> bytes:
    """A string, with the NUL at its end."""
    return attribute(kind, value.encode() + b"\0")


def comes_in_by(interface: str) -> bytes:
    """``iifname INTERFACE``."""
    return _meta(_IIFNAME) + _compare(_EQUAL, _name(interface))


def goes_out_by(interface: str) -> bytes:
    """``oifname INTERFACE``."""
    return _meta(_OIFNAME) + _compare(_EQUAL, _name(interface))


def is_from(network: IPv4Network) -> bytes:
    """``ip saddr NETWORK``."""
    return _address(_SOURCE, network)


def is_to(network: IPv4Network) -> bytes:
    """``ip daddr NETWORK``."""
    return _address(_DESTINATION, network)


def is_to_this_host() -> bytes:
    """``fib daddr type local``: any address of this host, those of 127.0.0.0/8 included."""
    load = number(1, _REGISTER) + number(2, _FIB_ADDRESS_TYPE) + number(3, _FIB_OF_DESTINATION)
    return _expression("fib", load) + _compare(_EQUAL, _RTN_LOCAL)


def is_to_port(protocol: int, port: int) -> bytes:
    """``tcp dport PORT``; `protocol` is IPPROTO_TCP or IPPROTO_UDP."""
    return (
        _meta(_L4PROTO)
        + _compare(_EQUAL, bytes([protocol]))
        + _payload(_TRANSPORT_HEADER, _DESTINATION_PORT, 2)
        + _compare(_EQUAL, port.to_bytes(2, "big"))
    )


def is_answer() -> bytes:
    """``ct state established,related``."""
    return _connection(_CT_STATE, ESTABLISHED_OR_RELATED)


def was_redirected() -> bytes:
    """``ct status dnat``."""
    return _connection(_CT_STATUS, DESTINATION_CHANGED)


def accept() -> bytes:
    """Let it pass, as far as this chain goes."""
    return _verdict(1)


def drop() -> bytes:
    """Nobody hears of it."""
    return _verdict(0)


def redirect_to(address: IPv4Address, port: int) -> bytes:
    """``dnat to ADDRESS:PORT``."""
    return (
        _immediate(_REGISTER, address.packed)
        + _immediate(_SECOND_REGISTER, port.to_bytes(2, "big"))
        + _expression(
            "nat",
            number(1, _DESTINATION_NAT)
            + number(2, _IPV4)
            + number(3, _REGISTER)
            + number(5, _SECOND_REGISTER),
        )
    )


def masquerade() -> bytes:
    """Send it from the address of the interface that it leaves by."""
    return _expression("masq", b"")


def _expression(name: str, data: bytes) -> bytes:
    return nested(1, text(1, name), nested(2, data))


def _meta(key: int) -> bytes:
    return _expression("meta", number(1, _REGISTER) + number(2, key))


def _payload(base: int, offset: int, length: int) -> bytes:
    where = number(2, base) + number(3, offset) + number(4, length)
    return _expression("payload", number(1, _REGISTER) + where)


def _compare(how: int, value: bytes) -> bytes:
    return _expression(
        "cmp", number(1, _REGISTER) + number(2, how) + nested(3, attribute(1, value))
    )


def _mask(mask: bytes) -> bytes:
    registers = number(1, _REGISTER) + number(2, _REGISTER) + number(3, len(mask))
    zero = nested(5, attribute(1, bytes(len(mask))))
    return _expression("bitwise", registers + nested(4, attribute(1, mask)) + zero)


def _address(offset: int, network: IPv4Network) -> bytes:
    mask = _mask(network.netmask.packed) if network.prefixlen < network.max_prefixlen else b""
    compare = _compare(_EQUAL, network.network_address.packed)
    return _payload(_NETWORK_HEADER, offset, len(network.netmask.packed)) + mask + compare


def _connection(key: int, bits: bytes) -> bytes:
    """Any of these bits of what connection tracking knows."""
    load = _expression("ct", number(1, _REGISTER) + number(2, key))
    return load + _mask(bits) + _compare(_NOT_EQUAL, bytes(len(bits)))


def _immediate(register: int, value: bytes) -> bytes:
    return _expression("immediate", number(1, register) + nested(2, attribute(1, value)))


def _verdict(code: int) -> bytes:
    verdict = nested(2, nested(2, number(1, code)))
    return _expression("immediate", number(1, _VERDICT_REGISTER) + verdict)


def _name(interface: str) -> bytes:
    return interface.encode().ljust(_NAME_BYTES, b"\0")
