"""Who is wired to whom: the interfaces of every network namespace, and where each of them leads.

A veth has two ends, in two namespaces; each end says the index of the other one, and the number
under which its namespace knows the other's. `nsview.host.peers` finds out which one that is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from nsview.host.network_namespaces import call_inside, find_network_namespaces
from nsview.host.peers import Place, find_places
from nsview.host.published import Published, find_published
from nsview.host.socket_owners import find_socket_owners
from nsview.kernel.links import Address, Link, read_addresses, read_links
from nsview.kernel.namespaces import KINDS
from nsview.kernel.netlink import NETLINK_NETFILTER, NETLINK_SOCK_DIAG, Netlink
from nsview.kernel.nftables import Forward, may_be_asked, read_forwards
from nsview.kernel.routes import Route, read_routes
from nsview.kernel.sock_diag import Socket, read_sockets

if TYPE_CHECKING:
    from nsview.host.model import Container, Snapshot
    from nsview.kernel.procfs import Procfs

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
    """Where it is bind mounted, when no process is in it."""
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
    """All network namespaces, the host's first."""

    networks: Mapping[int, Network]
    """By inode."""
    owners: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Inode of a socket -> host PIDs that have it open."""
    published: tuple[Published, ...] = ()
    partial: tuple[str, ...] = ()

    def of(self, container: str) -> Network | None:
        """The network of the container of that `ref`."""
        return next((one for one in self.networks.values() if container in one.containers), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    links: tuple[Link, ...]
    addresses: tuple[Address, ...]
    forwards: tuple[Forward, ...]
    routes: tuple[Route, ...] = ()
    sockets: tuple[Socket, ...] = ()


def read_wiring(
    procfs: Procfs,
    snapshot: Snapshot,
    *,
    closely: Collection[int] | None = None,
    connected: bool = False,
) -> Wiring:
    """Read all network namespaces, for where one leads to only the others can tell.

    closely: the inodes of those whose routes and sockets are read too; None: of all.
    connected: also sockets that do not listen.

    Nothing is kept open. Interfaces, addresses and namespaces that vanish meanwhile are left out.
    """
    ways = find_network_namespaces(procfs, snapshot)
    readings: dict[int, _Reading] = {}
    rules = may_be_asked(procfs)
    refused = silent = 0
    for ino, paths in ways.items():
        close = closely is None or ino in closely
        try:
            reading = call_inside(ino, paths, partial(_read, close, connected, rules))
        except PermissionError:
            refused += 1
            continue
        except OSError:  # TimeoutError is one
            silent += 1
            continue
        if reading is not None:
            readings[ino] = reading
    places = find_places({ino: one.links for ino, one in readings.items()}, ways)
    owners = containers_by_network(snapshot)
    networks = {
        ino: Network(
            ino=ino,
            containers=owners.get(ino, ()),
            path=next((path for path in ways[ino] if not path.startswith(procfs.root)), None),
            interfaces=tuple(_interfaces(ino, one, readings, places, owners)),
            routes=one.routes,
            sockets=one.sockets,
        )
        for ino, one in readings.items()
    }
    inodes = {socket.inode for one in readings.values() for socket in one.sockets}
    near = networks if closely is None else closely
    published = find_published(
        procfs, snapshot, {ino: one.forwards for ino, one in readings.items()}
    )
    return Wiring(
        networks=networks,
        published=tuple(replace(one, container=_receiver(one, networks)) for one in published),
        owners=find_socket_owners(procfs, snapshot, inodes, near),
        partial=tuple(_partial(refused, silent)),
    )


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


def published_of(wiring: Wiring, networks: Iterable[Network]) -> list[Published]:
    """Ports that lead into these networks, or are theirs and lead on; by number."""
    shown = tuple(networks)
    inodes = {one.ino for one in shown}
    names = {one.name for one in shown}
    found = (one for one in wiring.published if one.netns in inodes or one.container in names)
    return sorted(found, key=lambda one: (one.netns, one.forward.protocol, one.forward.port))


def networks_of(snapshot: Snapshot, container: Container) -> frozenset[int]:
    """Inodes of the network namespaces that processes of a container are in."""
    if container.kind == "host":
        return frozenset({snapshot.initial["net"]})
    members = (snapshot.tasks[pid] for pid in container.members if pid in snapshot.tasks)
    return frozenset(task.namespaces[_NET] for task in members) - {0}


def _read(close: bool, connected: bool, rules: bool) -> _Reading:
    with Netlink() as route:
        reading = _Reading(
            links=read_links(route),
            addresses=read_addresses(route),
            forwards=tuple(_read_forwards()) if rules else (),
        )
        if not close:
            return reading
        routes = read_routes(route)
    with Netlink(NETLINK_SOCK_DIAG) as diag:
        sockets = read_sockets(diag, connected=connected)
    return replace(reading, routes=routes, sockets=tuple(sockets))


def _read_forwards() -> Iterable[Forward]:
    try:
        with Netlink(NETLINK_NETFILTER) as netfilter:
            return read_forwards(netfilter)
    except OSError:  # a kernel without, or no CAP_NET_ADMIN in there
        return ()


def _interfaces(
    ino: int,
    reading: _Reading,
    readings: Mapping[int, _Reading],
    places: Mapping[Place, int],
    owners: Mapping[int, tuple[str, ...]],
) -> Iterable[Interface]:
    names = {link.index: link.name for link in reading.links}
    addresses: dict[int, list[str]] = {}
    for one in reading.addresses:
        addresses.setdefault(one.index, []).append(one.text)
    for link in reading.links:
        end = None
        if link.link is not None:
            there = ino if link.link_netnsid is None else places.get((ino, link.link_netnsid))
            end = _end(there, link.link, readings, owners)
        yield Interface(
            link=link,
            addresses=tuple(addresses.get(link.index, ())),
            peer=end if link.kind == "veth" else None,
            lower=end if link.kind != "veth" else None,
            master=None if link.master is None else names.get(link.master),
        )


def _end(
    ino: int | None,
    index: int,
    readings: Mapping[int, _Reading],
    owners: Mapping[int, tuple[str, ...]],
) -> End:
    links = readings[ino].links if ino is not None and ino in readings else ()
    there = next((link for link in links if link.index == index), None)
    master = None if there is None else there.master
    return End(
        netns=ino,
        index=index,
        interface=None if there is None else there.name,
        container=next(iter(owners.get(ino or 0, ())), None),
        master=next((link.name for link in links if link.index == master), None),
    )


# The same private address may be in many places; one wired to where the port is gets it.
def _receiver(published: Published, networks: Mapping[int, Network]) -> str | None:
    address = f"{published.forward.to_address}/"
    for network in networks.values():
        ends = (one.peer or one.lower for one in network.interfaces)
        if any(end is not None and end.netns == published.netns for end in ends) and any(
            text.startswith(address) for one in network.interfaces for text in one.addresses
        ):
            return network.name
    return None


def _partial(refused: int, silent: int) -> Iterable[str]:
    for count, what in (
        (refused, "may not be joined: that takes CAP_SYS_ADMIN"),
        (silent, "did not answer"),
    ):
        if count:
            plural = "network namespace" if count == 1 else "network namespaces"
            yield f"{count} {plural} {what}"
