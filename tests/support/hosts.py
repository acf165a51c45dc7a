"""Two hosts on a wire, made of network namespaces: one to run sandboxes on, one to be the world.

Neither is this machine: its addresses, routes, sysctls and packet filter stay as they are.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from unshared import Unshared

from nsview.kernel import libc
from support.command import Done, nsview
from support.processes import PATIENCE, wait_until

WIRE = "wire0"
_T = TypeVar("_T")


@dataclass
class NetHost:
    """A network namespace with an address on the wire."""

    pid: int
    address: str
    netns: str = field(init=False)

    def __post_init__(self) -> None:
        self.netns = f"/proc/{self.pid}/ns/net"

    def nsview(self, *words: str) -> Done:
        """Run nsview there."""
        return nsview(*words, launcher=self.launcher)

    @property
    def launcher(self) -> tuple[str, ...]:
        """What starts a command there."""
        return ("nsenter", f"--net={self.netns}", "--")

    def run(self, *command: str) -> str:
        """Run a command there to its end; returns what it printed."""
        done = subprocess.run(
            [*self.launcher, *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def state(self) -> tuple[str, str, str]:
        """Links, addresses and routes, and the packet filter."""
        links = self.run("ip", "-brief", "link")
        return links, self.run("ip", "-4", "route", "show", "table", "all"), self.rules()

    def rules(self) -> str:
        """The whole packet filter."""
        return self.run("nft", "list", "ruleset")

    def inside(self, make: Callable[[], _T]) -> _T:
        """Have a socket made there, by a thread that ends there: we never go."""
        made: list[_T] = []

        def work() -> None:
            with open(self.netns, "rb") as file:
                libc.setns(file.fileno(), libc.CLONE_NEWNET)
            made.append(make())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        (found,) = made
        return found

    def socket(self, kind: int, family: int = socket.AF_INET) -> socket.socket:
        """A socket of that host."""
        return self.inside(lambda: socket.socket(family, kind))

    def listen(self, address: str) -> socket.socket:
        """A TCP socket that listens on a free port of that host."""
        listening = self.socket(socket.SOCK_STREAM)
        listening.settimeout(PATIENCE)
        listening.bind((address, 0))
        listening.listen(64)
        return listening

    def ask(self, address: str, port: int, patience: float = PATIENCE) -> bytes:
        """Connect from that host, say that nothing follows, and read to the end."""
        with self.socket(socket.SOCK_STREAM) as asking:
            asking.settimeout(patience)
            asking.connect((address, port))
            asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
            asking.shutdown(socket.SHUT_WR)
            found = b""
            while chunk := asking.recv(65536):
                found += chunk
            return found


@contextlib.contextmanager
def two_hosts() -> Iterator[tuple[NetHost, NetHost]]:
    """A host that forwards, and another one that knows no way to what is behind it."""
    with Unshared("unshare", "--net") as here, Unshared("unshare", "--net") as there:
        host, world = NetHost(here, "198.51.100.1"), NetHost(there, "198.51.100.2")
        host.run(
            "ip", "link", "add", WIRE, "type", "veth", "peer", "name", WIRE, "netns", str(there)
        )
        for one in (host, world):
            one.run("ip", "link", "set", "lo", "up")
            one.run("ip", "address", "add", f"{one.address}/24", "dev", WIRE)
            one.run("ip", "link", "set", WIRE, "up")
        for one in (host, world):
            # The kernel notices a moment later that there is somebody at the other end.
            wait_until(lambda one=one: " UP " in one.run("ip", "-brief", "link", "show", WIRE))  # type: ignore[misc]
        host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        yield host, world
