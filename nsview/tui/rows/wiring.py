"""The wiring of the host as a tree: interface > bridge port > the container at the other end."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nsview.host.networks import End, Interface, Network, Wiring
from nsview.host.wiring_words import leads_to
from nsview.tui.rows.outline import Line, outline

Key = tuple[object, ...]

ALONE: Key = ("alone",)
#: So many ports of a container are named.
_PORTS_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class WiringNode:
    """One line of the tree; its texts are as the system has them."""

    key: Key
    above: Key | None
    text: str
    address: str = ""
    detail: str = ""
    ref: str | None = None
    """The container that Enter leads to."""
    named: bool = False
    """It is a network, not an interface."""
    thing: object = None


def wiring_rows(wiring: Wiring, folded: Collection[object] = ()) -> list[Line[WiringNode]]:
    """The host's network first, and on its interfaces whatever is wired to them.

    Then networks that no wire leads to from there; those of a loopback alone under one title.
    """
    return outline(wiring_nodes(wiring), lambda node: node.key, lambda node: node.above, folded)


def wiring_nodes(wiring: Wiring) -> list[WiringNode]:
    """Every node, each after the one that it hangs on."""
    tree = _Tree(wiring)
    alone = []
    for network in wiring.networks.values():
        if network.ino in tree.reached:
            continue
        if "host" in network.containers or any(not one.link.loopback for one in network.interfaces):
            tree.grow(network)
        else:
            alone.append(network)
    if alone:
        title = f"no way out  {len(alone)}"
        tree.nodes.append(WiringNode(key=ALONE, above=None, text=title, named=True,
                                     detail="nothing but a loopback"))  # fmt: skip
        for network in alone:
            tree.grow(network, above=ALONE)
    return tree.nodes


class _Tree:
    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self.nodes: list[WiringNode] = []
        self.reached: set[int] = set()
        self._hanging: dict[tuple[int, int], list[tuple[Network, Interface]]] = {}
        for network in wiring.networks.values():
            for one in network.interfaces:
                end = one.peer or one.lower
                if end is not None and end.netns not in (None, network.ino):
                    self._hanging.setdefault((end.netns, end.index), []).append((network, one))

    def grow(self, network: Network, above: Key | None = None) -> None:
        """Add a network, and all that hangs on it, level by level."""
        self.reached.add(network.ino)
        queue: deque[tuple[Network, Key | None, Interface | None]] = deque()
        queue.append((network, above, None))
        while queue:
            network, above, entry = queue.popleft()
            self.nodes += _network_nodes(self._wiring, network, above, entry)
            for one in network.interfaces:
                if one.link.loopback:
                    continue
                key: Key = ("network", network.ino)
                if one is not entry:  # that one is told of with the network itself
                    node = _interface_node(network, one)
                    self.nodes.append(node)
                    key = node.key
                for other, end in self._hanging.get((network.ino, one.link.index), ()):
                    if other.ino not in self.reached:
                        self.reached.add(other.ino)
                        queue.append((other, key, end))
                    elif one.peer is None:
                        self.nodes.append(_end_node(other, end, key))


def _network_nodes(
    wiring: Wiring, network: Network, above: Key | None, entry: Interface | None
) -> Iterator[WiringNode]:
    key = ("network", network.ino)
    yield WiringNode(
        key=key,
        above=above,
        text=network.name,
        address=_addresses(entry),
        detail="; ".join(_doings(wiring, network, entry)),
        ref=next(iter(network.containers), None),
        named=True,
        thing=network,
    )
    for ref in network.containers[1:]:
        yield WiringNode(key=("container", ref), above=key, text=ref, ref=ref, named=True,
                         detail="shares this network")  # fmt: skip


def _doings(wiring: Wiring, network: Network, entry: Interface | None) -> Iterator[str]:
    if entry is not None:
        kind = "" if entry.link.kind == "veth" else f" ({entry.link.kind})"
        yield f"{entry.link.name}{kind}"
    ports = sorted({(one.protocol, one.port) for one in network.sockets if one.listening})
    if ports:
        yield f"listens on {_some([f'{protocol} {port}' for protocol, port in ports])}"
    published = [
        f"{one.forward.port}→{one.forward.to_port}"
        for one in wiring.published
        if one.container == network.name and ":" not in one.address
    ]
    if published:
        yield f"published {_some(published)}"


def _some(words: list[str]) -> str:
    more = f" and {len(words) - _PORTS_SHOWN} more" if len(words) > _PORTS_SHOWN else ""
    return ", ".join(words[:_PORTS_SHOWN]) + more


def _interface_node(network: Network, one: Interface) -> WiringNode:
    link = one.link
    words = [link.kind or "hardware", link.state]
    if one.peer is not None and one.peer.netns in (None, network.ino):
        words.append(f"to {leads_to(one)}")
    return WiringNode(
        key=("interface", network.ino, link.index),
        above=_above(network, one),
        text=link.name,
        address=_addresses(one),
        detail=", ".join(words),
        ref=next(iter(network.containers), None),
        thing=one,
    )


# A port hangs on its bridge, a vlan on its interface, all else on the namespace.
def _above(network: Network, one: Interface) -> Key:
    lower: End | None = one.lower
    if one.link.master is not None:
        return "interface", network.ino, one.link.master
    if lower is not None and lower.netns == network.ino:
        return "interface", network.ino, lower.index
    return "network", network.ino


def _end_node(network: Network, end: Interface, above: Key) -> WiringNode:
    return WiringNode(
        key=("end", network.ino, end.link.index, *above),
        above=above,
        text=f"{network.name}: {end.link.name}",
        address=_addresses(end),
        detail="shown above",
        ref=next(iter(network.containers), None),
        thing=end,
    )


def _addresses(one: Interface | None) -> str:
    # Addresses of the link alone (fe80::) say nothing that its MAC does not.
    addresses = () if one is None else one.addresses
    return " ".join(text for text in addresses if not text.startswith("fe80:"))
