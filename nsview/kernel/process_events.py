"""Process events: the kernel tells of every fork, exec and exit at the moment it happens.

The process connector, drivers/connector/cn_proc.c and include/uapi/linux/cn_proc.h, over netlink.
There is no event for setns(2) and unshare(2), and events get lost when they come too fast: they
say *when* to look at processes, never what is there. What threads do is filtered out by the kernel.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import sys
import time

from nsview.errors import NotPermitted, NsviewError
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Literal

_NETLINK_CONNECTOR: Final = 11
_CN_IDX_PROC: Final = 1  # also the multicast group
_CN_VAL_PROC: Final = 1
_LISTEN: Final = struct.pack("=I", 1)  # enum proc_cn_mcast_op
_IGNORE: Final = struct.pack("=I", 2)
_NLMSG_DONE: Final = 3

_HEADER: Final = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_CN_MSG: Final = struct.Struct("=IIIIHH")  # idx, val, seq, ack, len, flags
_EVENT: Final = struct.Struct("=IIQ")  # struct proc_event up to its union: what, cpu, timestamp
_EVENT_AT: Final = _HEADER.size + _CN_MSG.size
#: The union begins with the numbers of the process: thread's, then thread group's. For a fork
#: these are the parent's, and the child's follow.
_UNION_AT: Final = _EVENT_AT + _EVENT.size
_CHILD_AT: Final = _UNION_AT + 8
_NUMBERS: Final = struct.Struct("=II")

_NONE, _FORK, _EXEC, _EXIT = 0, 1, 2, 0x80000000  # enum proc_cn_event; NONE acknowledges
_KINDS: Final[dict[int, Literal["fork", "exec", "exit"]]] = {
    _FORK: "fork", _EXEC: "exec", _EXIT: "exit",
}  # fmt: skip

_SO_ATTACH_FILTER: Final = 26
_SO_RCVBUFFORCE: Final = 33
#: Bytes of the kernel's memory for what was not read yet, 800 an event: the usual ones are full
#: after a hundred processes.
_BUFFER: Final = 1 << 20
#: Who may not listen gets no answer at all; who may gets it from within sendmsg().
_PATIENCE: Final = 0.1
_LARGEST: Final = 1024


class ProcessEventsError(NsviewError):
    """The kernel tells us no process events; the message says why."""


class Event(NamedTuple):
    """Something happened to a process."""

    kind: Literal["fork", "exec", "exit"]
    pid: int
    """As the initial pid namespace counts; of a fork, the child's."""


class ProcessEvents:
    """A subscription. `fileno` is readable when something has happened since the last `read`."""

    def __init__(self) -> None:
        """Raises `ProcessEventsError`, or `NotPermitted` where a capability is missing."""
        try:
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_NETLINK, kind, _NETLINK_CONNECTOR)
        except OSError as error:
            raise ProcessEventsError(f"this kernel has no connector: {error.strerror}") from error
        try:
            self._subscribe()
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """For poll(2); -1 once it is closed."""
        return self._socket.fileno()

    def read(self) -> list[Event]:
        """All that has been told and not been read; never waits. Some may be missing."""
        events: list[Event] = []
        while True:
            try:
                event = parse_event(self._socket.recv(_LARGEST))
            except BlockingIOError:
                return events
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # some were lost; others are there
                    raise
                continue
            if event is not None:
                events.append(event)

    def close(self) -> None:
        """No more events. May be called twice."""
        if self._socket.fileno() >= 0:
            # Kernels before 6.6 would go on to make messages for nobody.
            try:
                self._socket.send(_message(_IGNORE, 0))
            except OSError:
                pass
            finally:
                self._socket.close()

    def _subscribe(self) -> None:
        token = int.from_bytes(os.urandom(3), sys.byteorder)
        try:
            _attach_filter(self._socket)
            _enlarge_buffer(self._socket)
            self._socket.bind((0, _CN_IDX_PROC))
            self._socket.send(_message(_LISTEN, token))
        except PermissionError as error:
            raise NotPermitted("process events need CAP_NET_ADMIN") from error
        except ConnectionRefusedError as error:
            raise ProcessEventsError("not in the host's network namespace") from error
        except OSError as error:
            raise ProcessEventsError(f"process events: {error.strerror}") from error
        if not self._is_acknowledged(token):
            raise ProcessEventsError("no answer: not in the host's pid and user namespaces, or the "
                                     "kernel was built without them")  # fmt: skip

    def _is_acknowledged(self, token: int) -> bool:
        # Whoever listens sees the events that others asked for, and their acknowledgements.
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        deadline = time.monotonic() + _PATIENCE
        # What is there already is read, however late we are.
        while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            try:
                if parse_acknowledgement(self._socket.recv(_LARGEST)) == token:
                    return True
            except OSError:  # ENOBUFS
                continue
        return False


def parse_event(data: bytes) -> Event | None:
    """A datagram of the connector; None for any other, what is no event of these included."""
    if len(data) < _CHILD_AT + _NUMBERS.size:
        return None
    what, _, _ = _EVENT.unpack_from(data, _EVENT_AT)
    if what not in _KINDS:
        return None
    _, process = _NUMBERS.unpack_from(data, _CHILD_AT if what == _FORK else _UNION_AT)
    return Event(_KINDS[what], process)


def parse_acknowledgement(data: bytes) -> int | None:
    """Which request was granted, by the number that it had; None for any other datagram."""
    if len(data) < _UNION_AT + _NUMBERS.size:
        return None
    _, _, _, answered, _, _ = _CN_MSG.unpack_from(data, _HEADER.size)
    what, _, _ = _EVENT.unpack_from(data, _EVENT_AT)
    refusal, _ = _NUMBERS.unpack_from(data, _UNION_AT)
    return int(answered) - 1 if what == _NONE and refusal == 0 else None


def _message(operation: bytes, token: int) -> bytes:
    # The answer's `ack` is one more than ours; its `seq` only counts the kernel's messages.
    body = _CN_MSG.pack(_CN_IDX_PROC, _CN_VAL_PROC, 0, token, len(operation), 0) + operation
    return _HEADER.pack(_HEADER.size + len(body), _NLMSG_DONE, 0, 0, 0) + body


def _enlarge_buffer(listener: socket.socket) -> None:
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    except PermissionError:  # then as far as anybody may
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)


_FILTER_INSTRUCTION: Final = struct.Struct("=HBBI")  # struct sock_filter: code, jt, jf, k
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_EQUAL_X, _TO_X, _RETURN = 0x20, 0x15, 0x1D, 0x07, 0x06
_ALL: Final = 0xFFFFFFFF


def _attach_filter(listener: socket.socket) -> None:
    # A host of many threads tells of ten times as many threads as of processes, and whoever waits
    # for the socket would be woken for each. Documentation/networking/filter.rst
    import ctypes

    instructions = b"".join(_filter_instructions())
    memory = ctypes.create_string_buffer(instructions, len(instructions))
    count = len(instructions) // _FILTER_INSTRUCTION.size
    program = struct.pack("@HP", count, ctypes.addressof(memory))  # struct sock_fprog
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _filter_instructions() -> list[bytes]:
    # Jumps count the instructions that are skipped. Words are loaded as the network orders bytes.
    steps = (
        (_LOAD, 0, 0, _EVENT_AT),
        (_JUMP_IF_EQUAL, 11, 0, socket.htonl(_NONE)),
        (_JUMP_IF_EQUAL, 10, 0, socket.htonl(_EXEC)),
        (_JUMP_IF_EQUAL, 5, 0, socket.htonl(_EXIT)),
        (_JUMP_IF_EQUAL, 0, 9, socket.htonl(_FORK)),
        (_LOAD, 0, 0, _CHILD_AT),
        (_TO_X, 0, 0, 0),
        (_LOAD, 0, 0, _CHILD_AT + 4),
        (_JUMP_IF_EQUAL_X, 4, 5, 0),
        (_LOAD, 0, 0, _UNION_AT),
        (_TO_X, 0, 0, 0),
        (_LOAD, 0, 0, _UNION_AT + 4),
        (_JUMP_IF_EQUAL_X, 0, 1, 0),
        (_RETURN, 0, 0, _ALL),  # pass
        (_RETURN, 0, 0, 0),  # drop
    )
    return [_FILTER_INSTRUCTION.pack(*step) for step in steps]
