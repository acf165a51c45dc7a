"""How a helping process is told what to do: a memfd of orders, and descriptors. unix(7)."""

from __future__ import annotations

import _socket
import marshal
import os

from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

#: SCM_MAX_FD in include/net/scm.h.
_MOST = 253
_INT_BYTES = 4
_NUMBERS_BYTES = 4096


def await_orders(status: int) -> Any:
    """What `nsview.enter.standby` sends; None when whoever started us is gone, or lost interest.

    The descriptors get the numbers that they had there, by which the orders call them.
    """
    received: list[int] = []
    numbers: list[int] = []
    left = 1
    link = _socket.socket(-1, -1, -1, fileno=status)
    try:
        while left:
            size = _socket.CMSG_SPACE(_MOST * _INT_BYTES)
            data, ancillary, _, _ = link.recvmsg(_NUMBERS_BYTES, size)
            if not data:
                return None
            left, some = marshal.loads(data)  # noqa: S302 - from our parent
            numbers += some
            received += memoryview(ancillary[0][2]).cast("i")
    except ConnectionResetError:  # gone before reading that we are alive
        return None
    finally:
        link.detach()
    with open(received[0], "rb") as paper:
        orders = marshal.load(paper)  # noqa: S302 - from our parent, by a memfd
    _renumber(received[1:], numbers[1:])
    return orders


def _renumber(received: list[int], numbers: list[int]) -> None:
    for at, number in enumerate(numbers):
        if number in received[at + 1 :]:  # one that is still to be moved is in the way
            received[received.index(number, at + 1)] = os.dup(number)
        if received[at] != number:
            os.dup2(received[at], number)
            os.close(received[at])
