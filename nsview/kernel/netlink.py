"""Netlink: questions to the kernel and its answers, as messages of attributes (netlink(7)).

A socket asks for the network namespace that it was made in, for ever, whichever one its thread is
in later. Raw sockets and struct do: pyroute2 takes 200 ms to import, and forks to get elsewhere.
"""

from __future__ import annotations

import _socket  # socket makes an enum of every constant, which takes 5 ms
import os
import struct

from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterator, Self

NETLINK_ROUTE: Final = 0  # include/uapi/linux/netlink.h
NETLINK_SOCK_DIAG: Final = 4
NETLINK_NETFILTER: Final = 12

_REQUEST: Final = 0x1
_DUMP: Final = 0x300
_DUMP_INTERRUPTED: Final = 0x10
_ERROR: Final = 2
_DONE: Final = 3
_HEADER: Final = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_ATTRIBUTE: Final = struct.Struct("=HH")  # struct nlattr: length, type
_TYPE_MASK: Final = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_NUMBER: Final = struct.Struct("=i")
_ALIGNMENT: Final = 4
#: The kernel answers in pieces of at most 32 KiB (netlink_recvmsg in net/netlink/af_netlink.c).
_PIECE: Final = 64 * 1024
#: It answers from within sendmsg(): this only bounds a broken one.
_PATIENCE: Final = 2.0
#: How often a dump that changed under the kernel's hands is asked for again.
_RETRIES: Final = 3


class Message(NamedTuple):
    """One message: its type, and what follows the header."""

    type: int
    body: bytes


class Netlink:
    """A socket of one protocol (NETLINK_ROUTE, ...) in the calling thread's network namespace."""

    def __init__(self, protocol: int = NETLINK_ROUTE) -> None:
        kind = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
        self._socket = _socket.socket(_socket.AF_NETLINK, kind, protocol)
        self._socket.settimeout(_PATIENCE)
        self._sequence = 0

    def ask(self, kind: int, body: bytes) -> Message | None:
        """One question, one answer; None when no answer comes.

        Raises OSError with the errno that the kernel answers with.
        """
        self._send(kind, body, _REQUEST)
        try:
            return next((message for _, message in self._receive()), None)
        except TimeoutError:
            return None

    def dump(self, kind: int, body: bytes) -> list[Message]:
        """All messages of the answer to NLM_F_DUMP.

        Raises OSError with the errno that the kernel answers with, TimeoutError without an answer.
        """
        messages: list[Message] = []
        for _ in range(_RETRIES):
            self._send(kind, body, _REQUEST | _DUMP)
            answers = list(self._receive())
            messages = [message for _, message in answers]
            if not any(flags & _DUMP_INTERRUPTED for flags, _ in answers):
                break
        return messages

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, kind: int, body: bytes, flags: int) -> None:
        self._sequence += 1
        length = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(length, kind, flags, self._sequence, 0) + body)

    def _receive(self) -> Iterator[tuple[int, Message]]:
        # Until NLMSG_DONE. What is late, to a question given up, is passed over.
        while True:
            for kind, flags, sequence, body in parse_messages(self._socket.recv(_PIECE)):
                if sequence != self._sequence:
                    continue
                if kind in (_ERROR, _DONE):
                    _raise_error(body)
                    return
                yield flags, Message(kind, body)


def parse_messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Type, flags, sequence number and body of each message; what is cut short is left out."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        yield kind, flags, sequence, data[at + _HEADER.size : at + length]
        at += _aligned(length)


def parse_attributes(data: bytes, start: int = 0) -> dict[int, bytes]:
    """Attributes by their type, from `start` on; of several of one type the last."""
    return dict(iter_attributes(data, start))


def iter_attributes(data: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Type and value of each attribute, from `start` on; what is cut short is left out."""
    at, end, unpack = start, len(data), _ATTRIBUTE.unpack_from
    while at + _ATTRIBUTE.size <= end:
        length, kind = unpack(data, at)
        if length < _ATTRIBUTE.size or at + length > end:
            return
        yield kind & _TYPE_MASK, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3  # as _aligned() has it; there are thousands


def pack_attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    padding = bytes(-len(value) % _ALIGNMENT)
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + padding


def _raise_error(body: bytes) -> None:
    if len(body) >= _NUMBER.size and (number := -_NUMBER.unpack_from(body)[0]) > 0:
        raise OSError(number, os.strerror(number))


def _aligned(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT
