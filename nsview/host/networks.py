"""What is known of network namespaces: interfaces, where they lead, sockets, who is in them."""

from __future__ import annotations

from dataclasses import dataclass, field

from nsview.host.published import Published
from nsview.kernel.links import Link
from nsview.kernel.namespaces import KINDS
from nsview.kernel.routes import Route
from nsview.kernel.sock_diag import Socket
from nsview.typed import TYPE_CHECKING, Iterable, Mapping

if TYPE_CHECKING:
    from nsview.host.model import Container, Snapshot

_NET = KINDS.index("net")
_BIND_MOUNTS = ("/run/netns/", "/var/run/netns/")


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """An interface in whatever namespace: the other end of a veth, what a macvlan lies on."""

    netns: int | None
    """None: in a namespace that nothing visible leads to."""
    index: int
    interface: str | None
    container: str | None
    """`ref` of the first container in that namespace; None where there is none."""
    master: str | None = None
    """Name of the bridge, bond or vrf over there that it is a port of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One interface, its addresses and its relations."""

    link: Link
    addresses: tuple[str, ...]
    peer: End | None = None
    """The other end of a veth."""
    lower: End | None = None
    """What it lies on: macvlan, ipvlan, vlan, ..."""
    master: str | None = None
    """Name of the bridge, bond or vrf that it is a port of."""

    @property
    def bridge(self) -> str | None:
        """What it, or else its other end, is a port of."""
        return self.master or (self.peer.master if self.peer is not None else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One network namespace."""

    ino: int
    containers: tuple[str, ...]
    """`ref` of each container in it, the one that made it first; none: nobody's."""
    path: str | None
    """Where it is bind mounted, as far as we see."""
    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...] = ()
    sockets: tuple[Socket, ...] = ()

    @property
    def name(self) -> str:
        """The container's, else that of ``ip netns``, else ``net:[4026532180]``."""
        if self.containers:
            return self.containers[0]
        if self.path is not None and self.path.startswith(_BIND_MOUNTS):
            return f"netns/{self.path.rpartition('/')[2]}"
        return f"net:[{self.ino}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """All network namespaces: the host's, those of containers by name, then nobody's."""

    networks: Mapping[int, Network]
    """By inode."""
    owners: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Inode of a socket -> host PIDs that have it open."""
    published: tuple[Published, ...] = ()
    partial: tuple[str, ...] = ()

    def of(self, container: str) -> Network | None:
        """The network of the container of that `ref`."""
        return next((one for one in self.networks.values() if container in one.containers), None)


def containers_by_network(snapshot: Snapshot) -> dict[int, tuple[str, ...]]:
    """Inode -> `ref` of the containers in it: the host, a pod's sandbox, the oldest first.

    Isolated services in the host's network are the host's.
    """
    found: dict[int, list[tuple[bool, bool, float, str]]] = {}
    for one in snapshot.containers:
        use = one.namespaces.get("net")
        if use is None or not use.ino or one.pid is None:
            continue
        if one.kind != "isolated" or not use.shared:
            rank = (one.kind != "host", one.kind != "pod", one.started or 0.0, one.ref)
            found.setdefault(use.ino, []).append(rank)
    return {ino: tuple(rank[-1] for rank in sorted(ranks)) for ino, ranks in found.items()}


def networks_of(snapshot: Snapshot, container: Container) -> frozenset[int]:
    """Inodes of the network namespaces that processes of a container are in."""
    if container.kind == "host":
        return frozenset({snapshot.initial["net"]})
    members = (snapshot.tasks[pid] for pid in container.members if pid in snapshot.tasks)
    return frozenset(task.namespaces[_NET] for task in members) - {0}


def published_of(wiring: Wiring, networks: Iterable[Network]) -> list[Published]:
    """Ports that lead into these networks, or are theirs and lead on; by number."""
    shown = tuple(networks)
    inodes = {one.ino for one in shown}
    names = {one.name for one in shown}
    found = (one for one in wiring.published if one.netns in inodes or one.container in names)
    return sorted(found, key=lambda one: (one.netns, one.forward.protocol, one.forward.port))
