"""Remove a network interface: rtnetlink's RTM_DELLINK, for processes that cannot import pyroute2.

Of a veth pair both ends go. ``_socket`` is what ``socket`` wraps, which takes long to import.
"""

from __future__ import annotations

import _socket
import errno
import os
import struct

_RTM_DELLINK = 17
_REQUEST_AND_ACK = 0x1 | 0x4
_IFLA_IFNAME = 3
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_INTERFACE = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_ATTRIBUTE = struct.Struct("=HH")
_ERROR = struct.Struct("=i")
_ROUTE = 0
_ANSWER_BYTES = 4096


def remove_link(name: bytes) -> None:
    """Remove the interface of this name from our network namespace; it may have gone already.

    Raises OSError.
    """
    value = name + b"\0"
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), _IFLA_IFNAME) + value
    body = _INTERFACE.pack(0, 0, 0, 0, 0) + attribute + bytes(-len(value) % 4)
    header = _HEADER.pack(_HEADER.size + len(body), _RTM_DELLINK, _REQUEST_AND_ACK, 1, 0)
    kind = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
    link = _socket.socket(_socket.AF_NETLINK, kind, _ROUTE)
    try:
        link.send(header + body)
        (code,) = _ERROR.unpack_from(link.recv(_ANSWER_BYTES), _HEADER.size)
    finally:
        link.close()
    if code and -code != errno.ENODEV:
        raise OSError(-code, os.strerror(-code))
