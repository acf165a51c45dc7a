"""Number 1 of a sandbox, until it runs the command: it makes all that is inside."""

from __future__ import annotations

import _socket
import fcntl
import marshal
import os
import resource
import struct
import sys

from nsview.kernel import libc
from nsview.kernel.new_mount import join_new_keyring
from nsview.sandbox.command import run_command
from nsview.sandbox.mounts import Step, make_mounts
from nsview.sandbox.root import furnish
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from nsview.sandbox.mounts import Mounts
    from nsview.sandbox.orders import Become, Orders

_FAILED = 125
_MESSAGE_BYTES = 4096
_UMASK = 0o022
_NAMESPACES = libc.CLONE_NEWUTS | libc.CLONE_NEWIPC | libc.CLONE_NEWCGROUP
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1


def be_first(orders: Orders, report: int, mounts: Mounts | None) -> None:
    """Make the namespaces and what is in them, and run the command; never returns.

    `mounts` are there already where only root of the host could make them. In a user namespace
    they are mounted in a mount namespace that it owns: so another one is made.
    """
    # A user may not look for the command in the root of one that is not dumpable.
    libc.prctl(libc.PR_SET_DUMPABLE, int(orders["rootless"]))
    libc.set_name(b"nsview-init")
    os.setsid()
    kinds = _NAMESPACES | (libc.CLONE_NEWNET if orders["own_network"] else 0)
    if mounts is None:
        mounts = make_mounts(orders)
    else:
        kinds |= libc.CLONE_NEWNS
    Step.words = "making namespaces"
    libc.unshare(kinds)
    Step.words = "mounting file systems"
    master, slave = furnish(orders, mounts)
    os.umask(_UMASK)
    Step.words = "naming the host"
    libc.set_host_name(orders["hostname"])
    if orders["own_network"]:
        Step.words = "bringing up the loopback interface"
        _bring_up_loopback()
    join_new_keyring()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    Step.words = "starting the command"
    _send_descriptor(orders["status"], marshal.dumps(("ready",)), master)
    become = _await_go(orders["go"])
    libc.prctl(libc.PR_SET_DUMPABLE, 0)
    run_command(orders, become, slave, report)


def _await_go(go: int) -> Become:
    """What to become; the end of us when nobody says it any more."""
    said = b""
    while chunk := os.read(go, _MESSAGE_BYTES):
        said += chunk
    if not said:
        os._exit(_FAILED)
    become: Become = marshal.loads(said)  # noqa: S302 - from our parent, by an inherited pipe
    return become


def _bring_up_loopback() -> None:
    one = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM, 0)
    fcntl.ioctl(one.fileno(), _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    one.close()


def _send_descriptor(status: int, message: bytes, fd: int) -> None:
    link = _socket.socket(-1, -1, -1, fileno=status)
    ancillary = []
    if fd >= 0:
        ancillary = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, fd.to_bytes(4, sys.byteorder))]
    link.sendmsg([message], ancillary)
    link.detach()
