"""Who is wired to whom: the interfaces of every network namespace, and where each of them leads.

A veth has two ends, in two namespaces; each end says the index of the other one, and the number
under which its namespace knows the other's. `nsview.host.peers` finds out which one that is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nsview.host.network_namespaces import call_inside, find_network_namespaces
from nsview.host.networks import End, Interface, Network, Wiring, containers_by_network
from nsview.host.peers import Place, find_places
from nsview.host.published import Published, find_published
from nsview.host.socket_owners import find_socket_owners
from nsview.kernel.links import Address, Link, read_addresses, read_links
from nsview.kernel.netlink import NETLINK_NETFILTER, NETLINK_SOCK_DIAG, Netlink
from nsview.kernel.nftables import may_be_asked, read_forwards
from nsview.kernel.routes import Route, read_routes
from nsview.kernel.sock_diag import Socket, read_sockets
from nsview.kernel.xtables import Forward, read_table
from nsview.light import partial, suppress
from nsview.typed import TYPE_CHECKING, Callable, Collection, Iterable, Iterator, Mapping, Sequence

if TYPE_CHECKING:
    from nsview.host.model import Snapshot
    from nsview.kernel.procfs import Procfs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    by_index: Mapping[int, Link]
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
    close = ways.keys() if closely is None else closely
    read_rules = partial(_read_forwards, procfs, may_be_asked(procfs))
    readings, missing = _read_all(ways, lambda ino: _read(ino in close, connected, read_rules))
    places = find_places({ino: tuple(one.by_index.values()) for ino, one in readings.items()}, ways)
    owners = containers_by_network(snapshot)
    networks = [
        Network(
            ino=ino,
            containers=owners.get(ino, ()),
            path=next((path for path in ways[ino] if not path.startswith(procfs.root)), None),
            interfaces=tuple(_interfaces(ino, one, readings, places, owners)),
            routes=one.routes,
            sockets=one.sockets,
        )
        for ino, one in readings.items()
    ]
    host = snapshot.initial["net"]
    networks.sort(key=lambda one: (one.ino != host, not one.containers, one.name))
    inodes = {socket.inode for one in readings.values() for socket in one.sockets}
    rules = {ino: one.forwards for ino, one in readings.items()}
    return Wiring(
        networks={one.ino: one for one in networks},
        published=_with_receivers(find_published(procfs, snapshot, rules), networks),
        owners=find_socket_owners(procfs, snapshot, inodes, close),
        partial=missing,
    )


def _read_all(
    ways: Mapping[int, Sequence[str]], read: Callable[[int], _Reading]
) -> tuple[dict[int, _Reading], tuple[str, ...]]:
    readings: dict[int, _Reading] = {}
    refused = silent = 0
    for ino, paths in ways.items():
        try:
            reading = call_inside(ino, paths, partial(read, ino))
        except PermissionError:
            refused += 1
        except OSError:  # TimeoutError is one
            silent += 1
        else:
            if reading is not None:
                readings[ino] = reading
    return readings, tuple(_partial(refused, silent))


def _read(close: bool, connected: bool, read_rules: Callable[[], Iterable[Forward]]) -> _Reading:
    with Netlink() as route:
        reading = _Reading(
            by_index={link.index: link for link in read_links(route)},
            addresses=read_addresses(route),
            forwards=tuple(read_rules()),
        )
        if not close:
            return reading
        routes = read_routes(route)
    with Netlink(NETLINK_SOCK_DIAG) as diag:
        sockets = read_sockets(diag, connected=connected)
    return replace(reading, routes=routes, sockets=tuple(sockets))


def _read_forwards(procfs: Procfs, nftables: bool) -> Iterator[Forward]:
    # OSError: a kernel without, or no CAP_NET_ADMIN in there.
    if nftables:
        with suppress(OSError), Netlink(NETLINK_NETFILTER) as netfilter:
            yield from read_forwards(netfilter)
    with suppress(OSError):
        yield from read_table(procfs)


def _interfaces(
    ino: int,
    reading: _Reading,
    readings: Mapping[int, _Reading],
    places: Mapping[Place, int],
    owners: Mapping[int, tuple[str, ...]],
) -> Iterable[Interface]:
    addresses: dict[int, list[str]] = {}
    for one in reading.addresses:
        addresses.setdefault(one.index, []).append(one.text)
    for link in reading.by_index.values():
        master = None if link.master is None else reading.by_index.get(link.master)
        end = None
        if link.link is not None:
            there = ino if link.link_netnsid is None else places.get((ino, link.link_netnsid))
            end = _end(there, link.link, readings, owners)
        yield Interface(
            link=link,
            addresses=tuple(addresses.get(link.index, ())),
            peer=end if link.kind == "veth" else None,
            lower=end if link.kind != "veth" else None,
            master=master.name if master is not None else None,
        )


def _end(
    ino: int | None,
    index: int,
    readings: Mapping[int, _Reading],
    owners: Mapping[int, tuple[str, ...]],
) -> End:
    links = readings[ino].by_index if ino is not None and ino in readings else {}
    there = links.get(index)
    master = None if there is None or there.master is None else links.get(there.master)
    return End(
        netns=ino,
        index=index,
        interface=None if there is None else there.name,
        container=next(iter(owners.get(ino or 0, ())), None),
        master=None if master is None else master.name,
    )


# The same private address may be in many places; one wired to where the port is gets it.
def _with_receivers(
    published: Iterable[Published], networks: Iterable[Network]
) -> tuple[Published, ...]:
    receivers: dict[tuple[int | None, str], str] = {}
    for network in networks:
        texts = {text.partition("/")[0] for one in network.interfaces for text in one.addresses}
        for one in network.interfaces:
            if (end := one.peer or one.lower) is not None:
                receivers.update(((end.netns, text), network.name) for text in texts)
    return tuple(
        replace(one, container=receivers.get((one.netns, one.forward.to_address)))
        for one in published
    )


def _partial(refused: int, silent: int) -> Iterable[str]:
    for count, what in (
        (refused, "may not be joined: that takes CAP_SYS_ADMIN"),
        (silent, "did not answer"),
    ):
        if count:
            plural = "network namespace" if count == 1 else "network namespaces"
            yield f"{count} {plural} {what}"
