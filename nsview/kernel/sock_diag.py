"""TCP and UDP sockets of a network namespace: sock_diag(7), what ss(8) asks too.

A listener costs nothing of the many connections beside it: the kernel leaves out the other states.
"""

from __future__ import annotations

import socket
import struct

from nsview.kernel.netlink import Netlink, parse_attributes
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterator, Literal

Protocol = Literal["tcp", "udp"]

_SOCK_DIAG_BY_FAMILY: Final = 20
# struct inet_diag_req_v2: family, protocol, extensions, states; then an inet_diag_sockid of zeros.
_REQUEST: Final = struct.Struct("=BBBxI48x")
# struct inet_diag_msg: family, state, timer, retransmissions; source and destination port and
# address, interface, cookie; expiry, both queues, uid, inode
_SOCKET: Final = struct.Struct("=BBxx2s2s16s16sI8xIIIII")
_SKV6ONLY: Final = 11  # INET_DIAG_SKV6ONLY, include/uapi/linux/inet_diag.h

_PROTOCOLS: Final[dict[Protocol, int]] = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
_LENGTHS: Final = {socket.AF_INET: 4, socket.AF_INET6: 16}
#: include/net/tcp_states.h, in the words of ss(8). A UDP socket is ESTAB (connected) or UNCONN.
_STATES: Final = (
    "", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN",
    "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV",
)  # fmt: skip
_LISTENING: Final[dict[Protocol, str]] = {"tcp": "LISTEN", "udp": "UNCONN"}
_ALL: Final = (1 << len(_STATES)) - 1


class Socket(NamedTuple):
    """One socket."""

    protocol: Protocol
    state: str
    address: str
    port: int
    remote_address: str
    remote_port: int
    """0 when it is not connected."""
    uid: int
    inode: int
    """As in ``socket:[...]`` of /proc/PID/fd; 0 when no process has it any more (TIME-WAIT)."""
    v6only: bool
    """An IPv6 socket that takes no IPv4."""

    @property
    def listening(self) -> bool:
        """It waits for whoever comes."""
        return self.state == _LISTENING[self.protocol]

    @property
    def shown_address(self) -> str:
        """As ss(8) writes it: ``*`` takes IPv4 and IPv6."""
        if ":" not in self.address:
            return self.address
        return "*" if self.address == "::" and not self.v6only else f"[{self.address}]"


def read_sockets(netlink: Netlink, *, connected: bool = False) -> list[Socket]:
    """The sockets of the namespace that `netlink` (NETLINK_SOCK_DIAG) asks for.

    Those that listen; with `connected` all. A kernel without tcp_diag or udp_diag has none of them.
    """
    sockets: list[Socket] = []
    for protocol, number in _PROTOCOLS.items():
        states = _ALL if connected else 1 << _STATES.index(_LISTENING[protocol])
        for family in _LENGTHS:
            question = _REQUEST.pack(family, number, 0, states)
            try:
                messages = netlink.dump(_SOCK_DIAG_BY_FAMILY, question)
            except FileNotFoundError:
                continue
            sockets += (one for m in messages for one in parse_socket(m.body, protocol))
    return sockets


def parse_socket(body: bytes, protocol: Protocol) -> Iterator[Socket]:
    """The socket of one answer; none where it is not whole, or of another family."""
    if len(body) < _SOCKET.size or body[0] not in _LENGTHS:
        return
    family, state, port, remote_port, source, destination, _, _, _, _, uid, inode = (
        _SOCKET.unpack_from(body)
    )
    length = _LENGTHS[family]
    v6only = family == socket.AF_INET6 and any(
        parse_attributes(body, _SOCKET.size).get(_SKV6ONLY, b"")
    )
    yield Socket(
        protocol=protocol,
        state=_STATES[state] if state < len(_STATES) else str(state),
        address=socket.inet_ntop(family, source[:length]),
        port=int.from_bytes(port, "big"),
        remote_address=socket.inet_ntop(family, destination[:length]),
        remote_port=int.from_bytes(remote_port, "big"),
        uid=uid,
        inode=inode,
        v6only=v6only,
    )
