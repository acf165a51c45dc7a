"""The network of the small host by hand: a bridge with two cables, one of them to a container.

The other one leads into a namespace that nobody is in, where a macvlan lies on its end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tui.fake_details import DIND, HOST, HOSTILE, INNER, WEB

from nsview.host.name_service import NameService
from nsview.host.networks import End, Interface, Network, Wiring
from nsview.host.published import Published
from nsview.kernel.links import Link
from nsview.kernel.routes import Route
from nsview.kernel.sock_diag import Socket
from nsview.kernel.xtables import Forward
from nsview.tui.cost import Cost
from nsview.tui.rows.net import NetReading

NET = 1
NOBODYS = 4026532999


def interface(index: int, name: str, kind: str | None, *addresses: str, **more: Any) -> Interface:
    """An interface that is up; `more` are its relations."""
    link = Link(
        index=index, name=name, kind=kind, loopback=name == "lo", mac=f"02:42:ac:11:00:{index:02x}",
        mtu=1500, state="up", master=more.pop("port_of", None), link=None, link_netnsid=None,
        rx_bytes=index * 1_000_000, tx_bytes=index * 1_000,
    )  # fmt: skip
    return Interface(link=link, addresses=addresses, **more)


def end(netns: int, index: int, name: str, container: str | None, master: str | None = None) -> End:
    return End(netns=netns, index=index, interface=name, container=container, master=master)


def listener(port: int, inode: int, address: str = "0.0.0.0", protocol: Any = "tcp") -> Socket:
    return Socket(protocol, "LISTEN" if protocol == "tcp" else "UNCONN", address, port, "0.0.0.0",
                  0, 0, inode, False)  # fmt: skip


LO = interface(1, "lo", None, "127.0.0.1/8", "::1/128")


def wiring(*, hostile: bool = False) -> Wiring:
    """All of it."""
    name = HOSTILE if hostile else "eth0"
    host = Network(
        ino=HOST[NET], containers=("host", "podman/worker"), path=None,
        interfaces=(
            LO,
            interface(2, "eth0", None, "192.0.2.2/24", "fe80::1/64"),
            interface(3, "docker0", "bridge", "172.17.0.1/16"),
            interface(7, "veth1a2b", "veth", port_of=3, master="docker0",
                      peer=end(WEB[NET], 6, name, "docker/web")),
            interface(9, "veth3c4d", "veth", port_of=3, master="docker0",
                      peer=end(NOBODYS, 8, "eth0", None)),
        ),
        routes=(Route(destination="default", gateway="192.0.2.1", index=2),),
        sockets=(listener(22, 1), listener(8080, 2)),
    )  # fmt: skip
    web = Network(
        ino=WEB[NET], containers=("docker/web",), path=None,
        interfaces=(
            LO,
            interface(6, name, "veth", "172.17.0.2/16", "fe80::2/64",
                      peer=end(HOST[NET], 7, "veth1a2b", "host", "docker0")),
        ),
        routes=(
            Route(destination="default", gateway="172.17.0.1", index=6),
            Route(destination="172.17.0.0/16", gateway=None, index=6),
        ),
        sockets=(
            listener(80, 3), listener(53, 4, "::", "udp"),
            Socket("tcp", "ESTAB", "172.17.0.2", 40000, "10.0.0.9", 5432, 0, 5, False),
        ),
    )  # fmt: skip
    nobodys = Network(
        ino=NOBODYS, containers=(), path="/run/netns/blue",
        interfaces=(
            LO,
            interface(8, "eth0", "veth", "172.17.0.3/16",
                      peer=end(HOST[NET], 9, "veth3c4d", "host", "docker0")),
        ),
    )  # fmt: skip
    dind = Network(
        ino=DIND[NET], containers=("docker/dind",), path=None,
        interfaces=(
            LO,
            interface(5, "macvlan0", "macvlan", "172.17.0.4/16",
                      lower=end(NOBODYS, 8, "eth0", None)),
        ),
    )  # fmt: skip
    inner = Network(ino=INNER[NET], containers=("docker/dind/inner",), path=None, interfaces=(LO,))
    forward = Forward("tcp", None, 8080, "172.17.0.2", 80)
    return Wiring(
        networks={one.ino: one for one in (host, web, nobodys, dind, inner)},
        owners={1: (400,), 3: (4711, 4790, 4791), 4: (4711,), 5: (4790,)},
        published=(
            Published(netns=HOST[NET], forward=forward, via=("nat", "docker-proxy"),
                      container="docker/web"),
        ),
    )  # fmt: skip


def web_reading(*, hostile: bool = False) -> NetReading:
    """What the Net tab of ``docker/web`` reads."""
    whole = wiring(hostile=hostile)
    search = (HOSTILE,) if hostile else ("shop.example",)
    return NetReading(
        networks=(whole.networks[WEB[NET]],), wiring=whole, published=whole.published,
        names=NameService(servers=("10.0.0.53", "10.0.0.54"), search=search), cost=Cost(),
    )  # fmt: skip


def later(reading: NetReading, received: int, sent: int) -> NetReading:
    """The same two seconds later, when every interface has carried so many bytes more."""
    networks = tuple(
        replace(
            network,
            interfaces=tuple(
                replace(
                    one,
                    link=replace(
                        one.link,
                        rx_bytes=one.link.rx_bytes + received,
                        tx_bytes=one.link.tx_bytes + sent,
                    ),
                )
                for one in network.interfaces
            ),
        )
        for network in reading.networks
    )
    cost = replace(reading.cost, ended=reading.cost.ended + 2.0)
    return replace(reading, networks=networks, cost=cost)
