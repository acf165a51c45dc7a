"""How the joining process is told what to do: a memfd of orders, and descriptors. unix(7)."""

from __future__ import annotations

import _socket
import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nsview.enter.orders import Orders

#: SCM_MAX_FD in include/net/scm.h.
_MOST = 253
_INT_BYTES = 4
_NUMBERS_BYTES = 4096


def await_orders(status: int) -> Orders | None:
    """What `nsview.enter.standby` sends; None when whoever started us is gone, or lost interest.

    The descriptors get the numbers that they had there, by which the orders call them.
    """
    link = _socket.socket(-1, -1, -1, fileno=status)
    try:
        data, ancillary, _, _ = link.recvmsg(_NUMBERS_BYTES, _socket.CMSG_SPACE(_MOST * _INT_BYTES))
    except ConnectionResetError:  # gone before reading that we are alive
        return None
    finally:
        link.detach()
    if not data:
        return None
    numbers: tuple[int, ...] = marshal.loads(data)  # noqa: S302 - from our parent
    paper, *received = memoryview(ancillary[0][2]).cast("i")
    with open(paper, "rb") as file:
        orders: Orders = marshal.load(file)  # noqa: S302 - from our parent, by a memfd
    _renumber(received, numbers)
    return orders


def _renumber(received: list[int], numbers: tuple[int, ...]) -> None:
    for at, number in enumerate(numbers):
        if number in received[at + 1 :]:  # one that is still to be moved is in the way
            received[received.index(number, at + 1)] = os.dup(number)
        if received[at] != number:
            os.dup2(received[at], number)
            os.close(received[at])
