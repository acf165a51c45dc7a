"""``nsview net --json``."""

from __future__ import annotations

from nsview.host.model import Snapshot
from nsview.host.name_service import NameService
from nsview.host.networks import End, Interface, Network, Wiring, published_of
from nsview.host.published import Published
from nsview.host.reference import HOST_REF
from nsview.kernel.sock_diag import Socket
from nsview.typed import Sequence


def network_document(
    snapshot: Snapshot,
    wiring: Wiring,
    networks: Sequence[Network],
    names: NameService | None,
    *,
    connected: bool,
) -> dict[str, object]:
    """Interfaces, ports and what belongs to them; `connections` is null unless asked for."""
    sockets = [(network, one) for network in networks for one in network.sockets]
    return {
        "networks": [_network_json(one) for one in networks],
        "interfaces": [
            _interface_json(network, one) for network in networks for one in network.interfaces
        ],
        "ports": [
            _socket_json(snapshot, wiring, network, one)
            for network, one in sorted(sockets, key=port_order)
            if one.listening
        ],
        "connections": [
            _socket_json(snapshot, wiring, network, one)
            for network, one in sockets
            if not one.listening
        ]
        if connected
        else None,
        "published": [_published_json(one) for one in published_of(wiring, networks)],
        "dns": {"servers": names.servers, "search": names.search, "options": names.options}
        if names
        else None,
    }


def _network_json(one: Network) -> dict[str, object]:
    names = {interface.link.index: interface.link.name for interface in one.interfaces}
    return {
        "netns": one.ino,
        "containers": list(one.containers),
        "path": one.path,
        "routes": [
            {
                "destination": route.destination,
                "gateway": route.gateway,
                "interface": names.get(route.index or 0),
            }
            for route in one.routes
        ],
    }


def _interface_json(network: Network, one: Interface) -> dict[str, object]:
    link = one.link
    return {
        "netns": network.ino,
        "container": next(iter(network.containers), None),
        "name": link.name,
        "index": link.index,
        "kind": link.kind,
        "mac": link.mac,
        "mtu": link.mtu,
        "state": link.state,
        "addresses": list(one.addresses),
        "peer": _end_json(one.peer),
        "lower": _end_json(one.lower),
        "master": one.master,
        "bridge": one.bridge,
        "rx_bytes": link.rx_bytes,
        "tx_bytes": link.tx_bytes,
    }


def _end_json(end: End | None) -> dict[str, object] | None:
    if end is None:
        return None
    return {
        "container": end.container,
        "interface": end.interface,
        "index": end.index,
        "netns": end.netns,
        "bridge": end.master,
    }


def _socket_json(
    snapshot: Snapshot, wiring: Wiring, network: Network, one: Socket
) -> dict[str, object]:
    pids = wiring.owners.get(one.inode, ())
    return {
        "netns": network.ino,
        "proto": one.protocol,
        "state": one.state,
        "address": one.address,
        "port": one.port,
        "remote_address": one.remote_address if one.remote_port else None,
        "remote_port": one.remote_port or None,
        "v6only": one.v6only if ":" in one.address else None,
        "pid": pids[0] if pids else None,
        "pids": list(pids),
        "uid": one.uid,
        "container": container_of(snapshot, pids) or next(iter(network.containers), None),
    }


def _published_json(one: Published) -> dict[str, object]:
    return {
        "netns": one.netns,
        "proto": one.forward.protocol,
        "address": one.address,
        "port": one.forward.port,
        "to_address": one.forward.to_address,
        "to_port": one.forward.to_port,
        "container": one.container,
        "via": list(one.via),
    }


def port_order(one: tuple[Network, Socket]) -> tuple[int, str, int, str]:
    """By network, protocol, port."""
    network, socket = one
    return network.ino, socket.protocol, socket.port, socket.address


def container_of(snapshot: Snapshot, pids: tuple[int, ...]) -> str | None:
    """Whose the first of these processes is; None without any."""
    return snapshot.membership.get(pids[0], HOST_REF) if pids else None
