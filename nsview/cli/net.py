"""``nsview net``: interfaces and where they lead, routes, ports and who listens."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.net_json import container_of, network_document, port_order
from nsview.cli.output import print_json, print_line, print_note, print_notes, print_table
from nsview.cli.words import byte_size, dash
from nsview.errors import NoSuchObject, may_not_be_read
from nsview.host.host import Host
from nsview.host.model import Container, Snapshot
from nsview.host.name_service import read_name_service
from nsview.host.networks import Interface, Network, Wiring, networks_of, published_of
from nsview.host.reference import find_container
from nsview.host.wiring import read_wiring
from nsview.host.wiring_words import leads_to, pid_list
from nsview.kernel.sock_diag import Socket
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_INTERFACES = ("INTERFACE", "KIND", "STATE", "MTU", "MAC", "RX", "TX", "ADDRESSES", "LEADS TO")
_PORTS = ("PROTO", "ADDRESS", "PORT", "PID", "PROCESS", "CONTAINER")
_CONNECTIONS = ("PROTO", "STATE", "LOCAL", "REMOTE", "PID", "PROCESS", "CONTAINER")
_PUBLISHED = ("PUBLISHED", "ADDRESS", "PORT", "LEADS TO", "CONTAINER", "BY")
_RIGHT = frozenset({"MTU", "RX", "TX", "PORT"})

EPILOG = """\
LEADS TO is the other end of a veth, with the bridge that it is a port of (`docker/web: eth0`,
`host: veth1a2b on docker0`), or what a macvlan, ipvlan or vlan lies on (`on host: eth0`). Ports are
those that listen in the network namespace; containers that share one share its ports, and CONTAINER
says whose process it is. The address `*` takes IPv4 and IPv6. RX and TX are bytes since the
interface was made. PUBLISHED are ports of the machine that lead into a container, by a rule (nat),
a docker-proxy, or both.

  nsview net web
  nsview net host --connected
  nsview net --json | jq -r '.interfaces[] | select(.bridge == "docker0").peer.container'"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whose network."""
    parser.add_argument("ref", nargs="?", metavar="REF", help="one container (default: all)")
    parser.add_argument(
        "-c", "--connected", action="store_true", help="also sockets that do not listen"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """Show it."""
    host = Host(census=arguments.census)
    snapshot = host.snapshot(stopped=True)
    container = find_container(snapshot, arguments.ref) if arguments.ref else None
    if container is not None and container.pid is None:
        raise NoSuchObject(f"{container.ref} does not run: it has no network")
    closely = None if container is None else networks_of(snapshot, container)
    wiring = read_wiring(host.procfs, snapshot, closely=closely, connected=arguments.connected)
    networks = [one for ino, one in wiring.networks.items() if closely is None or ino in closely]
    if container is not None and not networks:
        if wiring.partial or not closely:  # it, or even which one it is
            raise may_not_be_read(f"the network of {container.ref}")
        raise NoSuchObject(f"{container.ref} is gone")
    names = None if container is None else read_name_service(host.procfs, container)
    partial = (*snapshot.partial, *wiring.partial)
    if arguments.json:
        document = network_document(
            snapshot, wiring, networks, names, connected=arguments.connected
        )
        print_json(document, partial)
        return 0
    print_notes(partial)
    _print_interfaces(networks, whose=container is None)
    if container is not None:
        _print_routes(networks)
    _print_sockets(snapshot, wiring, networks, connected=arguments.connected)
    _print_published(wiring, networks)
    if names is not None and names.servers:
        search = f", search {' '.join(names.search)}" if names.search else ""
        print_line("")
        print_line(f"names from {', '.join(names.servers)}{search}")
    if container is not None:
        _note_sharing(container, networks)
    return 0


def _print_interfaces(networks: list[Network], *, whose: bool) -> None:
    rows = [
        ((network.name, *_interface_row(one)) if whose else _interface_row(one))
        for network in networks
        for one in network.interfaces
    ]
    print_table(("NETWORK", *_INTERFACES) if whose else _INTERFACES, rows, right=_RIGHT)


def _interface_row(one: Interface) -> tuple[str, ...]:
    link = one.link
    return (
        link.name,
        dash("loopback" if link.loopback else link.kind),
        link.state,
        str(link.mtu),
        dash(None if link.loopback else link.mac),
        byte_size(link.rx_bytes),
        byte_size(link.tx_bytes),
        " ".join(one.addresses) or "-",
        leads_to(one) or (f"port of {one.master}" if one.master else "-"),
    )


def _print_routes(networks: list[Network]) -> None:
    rows = []
    for network in networks:
        names = {one.link.index: one.link.name for one in network.interfaces}
        rows += [
            (one.destination, dash(one.gateway), names.get(one.index or 0, "-"))
            for one in network.routes
        ]
    if rows:
        print_line("")
        print_table(("ROUTE TO", "GATEWAY", "INTERFACE"), rows)


def _print_sockets(
    snapshot: Snapshot, wiring: Wiring, networks: list[Network], *, connected: bool
) -> None:
    sockets = [(network, one) for network in networks for one in network.sockets]
    listening = [
        (one.protocol, one.shown_address, str(one.port), *_owner(snapshot, wiring, network, one))
        for network, one in sorted(sockets, key=port_order)
        if one.listening
    ]
    if listening:
        print_line("")
        print_table(_PORTS, listening, right=_RIGHT)
    elif not connected:
        print_note("nobody listens here")
    others = [
        (
            one.protocol,
            one.state,
            f"{one.shown_address}:{one.port}",
            f"{one.remote_address}:{one.remote_port}",
            *_owner(snapshot, wiring, network, one),
        )
        for network, one in sockets
        if not one.listening
    ]
    if others:
        print_line("")
        print_table(_CONNECTIONS, others)


def _owner(
    snapshot: Snapshot, wiring: Wiring, network: Network, socket: Socket
) -> tuple[str, str, str]:
    pids = wiring.owners.get(socket.inode, ())
    task = snapshot.tasks.get(pids[0]) if pids else None
    container = container_of(snapshot, pids) or network.name
    return pid_list(pids) or "-", dash(task.comm if task else None), container


def _print_published(wiring: Wiring, networks: list[Network]) -> None:
    rows = [
        (
            one.forward.protocol,
            one.address,
            str(one.forward.port),
            f"{one.forward.to_address}:{one.forward.to_port}",
            dash(one.container),
            ", ".join(one.via),
        )
        for one in published_of(wiring, networks)
    ]
    if rows:
        print_line("")
        print_table(_PUBLISHED, rows, right=_RIGHT)


def _note_sharing(container: Container, networks: list[Network]) -> None:
    others = [ref for one in networks for ref in one.containers if ref != container.ref]
    if container.kind != "host" and others:
        print_note(f"shares its network with {', '.join(others)}")
