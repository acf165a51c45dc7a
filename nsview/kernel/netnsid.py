"""Under which number our network namespace knows another one: rtnetlink's RTM_GETNSID.

The number is relative to the network namespace that asks, and not assigned before something (an
interface whose peer is over there, ``ip netns set``) needs it. One question, one answer, no state:
a raw socket and struct do; pyroute2 would take 200 ms to import.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from types import TracebackType
from typing import Final, Self

UNASSIGNED: Final = -1

_RTM_NEWNSID: Final = 88
_RTM_GETNSID: Final = 90
_NLMSG_ERROR: Final = 2
_NLM_F_REQUEST: Final = 1
_NETNSA_NSID: Final = 1
_NETNSA_FD: Final = 3

_HEADER: Final = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_FAMILY: Final = struct.Struct("=B3x")  # struct rtgenmsg, padded
_ATTRIBUTE: Final = struct.Struct("=HH")  # struct rtattr: length, type
_FD: Final = struct.Struct("=I")
_NUMBER: Final = struct.Struct("=i")
_ALIGNMENT: Final = 4
_LARGEST_ANSWER: Final = 4096
#: rtnetlink answers from within sendmsg(): this only bounds a broken kernel.
_PATIENCE: Final = 2.0


def read_netnsid(netns_fd: int) -> int | None:
    """Return the id of a network namespace as ours knows it, -1: unassigned; None: not told."""
    with NetnsidReader() as reader:
        return reader.read(netns_fd)


class NetnsidReader:
    """One socket for many questions. It asks for the namespace that it was made in, for ever."""

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        self._socket.settimeout(_PATIENCE)
        self._sequence = 0

    def read(self, netns_fd: int) -> int | None:
        """Return the id, or `UNASSIGNED`; None where the kernel does not tell.

        That is a descriptor of something else than a network namespace, or a kernel before 4.0.
        """
        self._sequence += 1
        self._socket.send(_question(netns_fd, self._sequence))
        try:
            while True:
                answer = self._socket.recv(_LARGEST_ANSWER)
                if _sequence(answer) == self._sequence:  # else: late, to a question given up
                    return parse_answer(answer)
        except TimeoutError:
            return None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def parse_answer(data: bytes) -> int | None:
    """Return the NETNSA_NSID of an RTM_NEWNSID message; None of anything else.

    Raises PermissionError when the answer says so.
    """
    if len(data) < _HEADER.size:
        return None
    length, kind, *_ = _HEADER.unpack_from(data)
    body = data[_HEADER.size : length]
    if kind == _NLMSG_ERROR and len(body) >= _NUMBER.size:
        (number,) = _NUMBER.unpack_from(body)
        if number == -errno.EPERM:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    if kind != _RTM_NEWNSID:
        return None
    at = _FAMILY.size
    while at + _ATTRIBUTE.size <= len(body):
        size, name = _ATTRIBUTE.unpack_from(body, at)
        value = at + _ATTRIBUTE.size
        if name == _NETNSA_NSID and value + _NUMBER.size <= len(body):
            return int(_NUMBER.unpack_from(body, value)[0])
        at += max(_ATTRIBUTE.size, -(-size // _ALIGNMENT) * _ALIGNMENT)
    return None


def _question(netns_fd: int, sequence: int) -> bytes:
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + _FD.size, _NETNSA_FD) + _FD.pack(netns_fd)
    body = _FAMILY.pack(socket.AF_UNSPEC) + attribute
    header = _HEADER.pack(_HEADER.size + len(body), _RTM_GETNSID, _NLM_F_REQUEST, sequence, 0)
    return header + body


def _sequence(answer: bytes) -> int | None:
    return int(_HEADER.unpack_from(answer)[3]) if len(answer) >= _HEADER.size else None
