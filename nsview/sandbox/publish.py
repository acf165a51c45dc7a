"""Ports of the host that lead into a sandbox."""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Address

from nsview.errors import NsviewError
from nsview.light import ExitStack
from nsview.typed import Final, Iterable, Literal

_WORDS: Final = re.compile(r"(?:([0-9.]+):)?(\d{1,5}):(\d{1,5})(?:/(tcp|udp))?", re.ASCII)
_HIGHEST_PORT: Final = 0xFFFF
_NUMBERS: Final = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A port of the host and the port inside that it leads to."""

    address: IPv4Address
    """Of the host; 0.0.0.0 is all of its addresses."""
    host_port: int
    """0: any that is free."""
    port: int
    protocol: Literal["tcp", "udp"]

    @property
    def protocol_number(self) -> int:
        """IPPROTO_TCP or IPPROTO_UDP."""
        return _NUMBERS[self.protocol]

    def describe(self) -> dict[str, object]:
        """For JSON."""
        return {
            "address": str(self.address),
            "host_port": self.host_port,
            "port": self.port,
            "protocol": self.protocol,
        }

    def __str__(self) -> str:
        return f"{self.address}:{self.host_port}/{self.protocol}"


def parse_published(text: str) -> Published:
    """Parse ``[ADDRESS:]HOSTPORT:PORT[/udp]``; raises ValueError."""
    match = _WORDS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not [ADDRESS:]HOSTPORT:PORT[/udp]")
    try:
        address = IPv4Address(match[1] or "0.0.0.0")  # noqa: S104 - as every engine's default is
    except AddressValueError:
        raise ValueError(f"{match[1]} is no IPv4 address") from None
    host_port, port = int(match[2]), int(match[3])
    if not port or max(host_port, port) > _HIGHEST_PORT:
        raise ValueError(f"{text!r}: a port is 1 to {_HIGHEST_PORT}")
    protocol: Literal["tcp", "udp"] = "udp" if match[4] == "udp" else "tcp"
    return Published(address=address, host_port=host_port, port=port, protocol=protocol)


def claim_ports(wanted: Iterable[Published], stack: ExitStack) -> tuple[list[Published], list[int]]:
    """Take the host's ports, so that nobody else gets them; with the numbers of free ones.

    Nothing ever arrives at these sockets, the packet filter sees to that. `stack` closes them.
    Raises `NsviewError` where one is taken.
    """
    published, sockets = [], []
    for one in wanted:
        kind = socket.SOCK_STREAM if one.protocol == "tcp" else socket.SOCK_DGRAM
        claim = socket.socket(socket.AF_INET, kind | socket.SOCK_CLOEXEC)
        stack.callback(claim.close)
        try:
            claim.bind((str(one.address), one.host_port))
            if one.protocol == "tcp":  # else SO_REUSEADDR would let others listen
                claim.listen(0)
        except OSError as error:
            raise NsviewError(f"--publish {one}: {_problem(error)}") from None
        published.append(replace(one, host_port=claim.getsockname()[1]))
        sockets.append(claim.fileno())
    return published, sockets


def _problem(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is taken"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this host has no such address"
    return error.strerror or str(error)
