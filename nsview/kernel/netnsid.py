"""Under which number a network namespace knows another one: rtnetlink's RTM_GETNSID.

The number is relative to the network namespace that asks, and not assigned before something (an
interface whose peer is over there, ``ip netns set``) needs it.
"""

from __future__ import annotations

import struct

from nsview.kernel.netlink import Message, Netlink, pack_attribute, parse_attributes
from nsview.typed import Final

UNASSIGNED: Final = -1

_UNSPECIFIED: Final = 0  # AF_UNSPEC
_RTM_NEWNSID: Final = 88
_RTM_GETNSID: Final = 90
_NETNSA_NSID: Final = 1
_NETNSA_FD: Final = 3

_FAMILY: Final = struct.Struct("=B3x")  # struct rtgenmsg, padded
_FD: Final = struct.Struct("=I")
_NUMBER: Final = struct.Struct("=i")


def read_netnsid(netns_fd: int) -> int | None:
    """Return the id of a network namespace as ours knows it, -1: unassigned; None: not told."""
    with NetnsidReader() as reader:
        return reader.read(netns_fd)


class NetnsidReader(Netlink):
    """One socket for many questions. It asks for the namespace that it was made in, for ever."""

    def read(self, netns_fd: int) -> int | None:
        """Return the id, or `UNASSIGNED`; None where the kernel does not tell.

        That is a descriptor of something else than a network namespace, or a kernel before 4.0.
        Raises PermissionError where the kernel says so.
        """
        question = _FAMILY.pack(_UNSPECIFIED) + pack_attribute(_NETNSA_FD, _FD.pack(netns_fd))
        try:
            answer = self.ask(_RTM_GETNSID, question)
        except PermissionError:
            raise
        except OSError:  # EINVAL, EOPNOTSUPP
            return None
        return None if answer is None else parse_answer(answer)


def parse_answer(answer: Message) -> int | None:
    """Return the NETNSA_NSID of an RTM_NEWNSID message; None of anything else."""
    value = parse_attributes(answer.body, _FAMILY.size).get(_NETNSA_NSID)
    if answer.type != _RTM_NEWNSID or value is None or len(value) != _NUMBER.size:
        return None
    return int(_NUMBER.unpack(value)[0])
