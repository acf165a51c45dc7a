"""The network of a container as rows under titles: what it has, and where each thing leads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from nsview.host.model import Snapshot
from nsview.host.name_service import NameService
from nsview.host.networks import Network, Wiring
from nsview.host.published import Published
from nsview.host.wiring_words import leads_to, pid_list
from nsview.kernel.sock_diag import Socket
from nsview.tui.cost import Cost
from nsview.tui.rows.outline import Line, outline
from nsview.units import byte_rates

Key = tuple[object, ...]
Rates = Mapping[tuple[int, int], tuple[float, float]]
"""Network namespace and index of an interface -> bytes a second, received and sent."""

#: Connections of a busy host are many thousands, and nobody reads them all.
_CONNECTIONS_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NetRow:
    """One line; its texts are as the system has them."""

    key: Key
    above: Key | None = None
    what: str
    kind: str = ""
    state: str = ""
    address: str = ""
    leads: str = ""
    rate: str = ""
    pid: int | None = None
    """The process that Enter leads to."""
    ref: str | None = None
    """The container that Enter leads to."""
    thing: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetReading:
    """What was read for a container."""

    networks: tuple[Network, ...]
    wiring: Wiring
    published: tuple[Published, ...]
    names: NameService | None
    cost: Cost


def net_rows(
    snapshot: Snapshot, reading: NetReading, rates: Rates, folded: Collection[object] = ()
) -> list[Line[NetRow]]:
    """The lines from top to bottom; a title that has nothing under it is left out."""
    sockets = [one for network in reading.networks for one in network.sockets]
    sections = (
        ("interfaces", list(_interfaces(reading, rates))),
        ("ports", list(_ports(snapshot, reading.wiring, sockets))),
        ("published", list(_published(reading.published))),
        ("connections", list(_connections(snapshot, reading.wiring, sockets))),
        ("routes", list(_routes(reading.networks))),
        ("name servers", list(_names(reading.names))),
    )
    rows: list[NetRow] = []
    for title, below in sections:
        if below:
            rows += [NetRow(key=(title,), what=f"{title}  {len(below)}"), *below]
    return outline(rows, lambda row: row.key, lambda row: row.above, folded)


def _interfaces(reading: NetReading, rates: Rates) -> Iterator[NetRow]:
    for network in reading.networks:
        for one in network.interfaces:
            place = network.ino, one.link.index
            rate = rates.get(place)
            end = one.peer or one.lower
            yield NetRow(
                key=("interface", *place),
                above=("interfaces",),
                what=one.link.name,
                kind="loopback" if one.link.loopback else one.link.kind or "–",
                state=one.link.state,
                address=" ".join(one.addresses),
                leads=leads_to(one) or (f"port of {one.master}" if one.master else ""),
                rate="" if rate is None else byte_rates(*rate),
                ref=end.container if end is not None else None,
                thing=one,
            )


def _ports(snapshot: Snapshot, wiring: Wiring, sockets: list[Socket]) -> Iterator[NetRow]:
    for one in sorted(sockets, key=lambda one: (one.protocol, one.port, one.address)):
        if one.listening:
            yield _socket(snapshot, wiring, one, "ports", one.shown_address)


def _connections(snapshot: Snapshot, wiring: Wiring, sockets: list[Socket]) -> Iterator[NetRow]:
    connected = [one for one in sockets if not one.listening]
    for one in connected[:_CONNECTIONS_SHOWN]:
        remote = f"{one.address} ↔ {one.remote_address}:{one.remote_port}"
        yield _socket(snapshot, wiring, one, "connections", remote)
    if len(connected) > _CONNECTIONS_SHOWN:
        yield NetRow(
            key=("more",),
            above=("connections",),
            what=f"… {len(connected) - _CONNECTIONS_SHOWN} more",
        )


def _socket(snapshot: Snapshot, wiring: Wiring, one: Socket, section: str, address: str) -> NetRow:
    pids = wiring.owners.get(one.inode, ())
    task = snapshot.tasks.get(pids[0]) if pids else None
    remote = one.remote_address, one.remote_port
    return NetRow(
        key=(section, one.protocol, one.address, one.port, *remote, one.inode),
        above=(section,),
        what=f"{one.protocol} {one.port}",
        state=one.state,
        address=address,
        leads=f"{task.comm} {pid_list(pids)}" if task else pid_list(pids),
        pid=task.pid if task else None,
        thing=one,
    )


def _published(published: tuple[Published, ...]) -> Iterator[NetRow]:
    for one in published:
        forward = one.forward
        yield NetRow(
            key=("published", one.netns, forward),
            above=("published",),
            what=f"{forward.protocol} {forward.port}",
            state=", ".join(one.via),
            address=one.address,
            leads=" ".join(
                word for word in (f"{forward.to_address}:{forward.to_port}", one.container) if word
            ),
            ref=one.container,
            thing=one,
        )


def _routes(networks: tuple[Network, ...]) -> Iterator[NetRow]:
    for network in networks:
        names = {one.link.index: one.link.name for one in network.interfaces}
        for number, one in enumerate(network.routes):
            yield NetRow(
                key=("route", network.ino, number),
                above=("routes",),
                what=one.destination,
                address=f"via {one.gateway}" if one.gateway else "",
                leads=names.get(one.index or 0, ""),
                thing=one,
            )


def _names(names: NameService | None) -> Iterator[NetRow]:
    if names is None:
        return
    search = f"search {' '.join(names.search)}" if names.search else ""
    for number, server in enumerate(names.servers):
        yield NetRow(
            key=("name server", number),
            above=("name servers",),
            what=server,
            leads="" if number else search,
            thing=names,
        )
