"""The network of a sandbox on a veth pair: what is there before it starts, and what it is tied to.

::

    sandbox                        host
    eth0  10.213.0.2/30 ────────── nv-<id>  10.213.0.1/30      table nsview-<id>

No step leaves anything behind that a SIGKILL would orphan: the pair goes with the sandbox's network
namespace, the table and the ports with the descriptors that only its launcher holds.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from nsview.errors import NotPermitted, NsviewError
from nsview.kernel.netlink import NETLINK_NETFILTER, Netlink
from nsview.kernel.nft_table import open_socket
from nsview.light import ExitStack, suppress
from nsview.sandbox.addresses import free_network
from nsview.sandbox.firewall import forbidding_chains, protect
from nsview.sandbox.links import make_pair, read_networks
from nsview.sandbox.publish import Published, claim_ports
from nsview.sandbox.resolver import read_reachable_resolver
from nsview.sandbox.spec import Spec
from nsview.sandbox.state import Place, claimed_networks, interface_of, lock_all, note_network
from nsview.typed import Final, Iterator

_FORWARD: Final = "/proc/sys/net/ipv4/ip_forward"
_SHORT: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network of four addresses with the host on it, and what leads in and out."""

    interface: str
    """The host's end of the pair."""
    subnet: IPv4Network
    published: tuple[Published, ...]
    resolver: bytes
    """Its resolv.conf(5)."""
    held: tuple[int, ...]
    """Descriptors: when all copies are closed, the ports are free and the table is gone."""
    lacking: tuple[str, ...]
    """What this host does not allow, in words."""

    @property
    def gateway(self) -> IPv4Address:
        """The host's end."""
        return self.subnet[1]

    @property
    def address(self) -> IPv4Address:
        """The sandbox's end."""
        return self.subnet[2]

    def connect(self, pid: int) -> list[str]:
        """Wire up the network namespace of a process; returns what could not be had, in words.

        Raises `NsviewError`.
        """
        return make_pair(self.interface, self.subnet, pid, reachable=bool(self.published))

    def describe(self) -> dict[str, object]:
        """For ``config.json`` and ``--json``."""
        return {
            "ip": str(self.address),
            "veth": self.interface,
            "published": [one.describe() for one in self.published],
        }


def prepare_network(spec: Spec, place: Place, stack: ExitStack) -> Network:
    """Claim ports and addresses, and make the table.

    `stack` closes our copies of what is held. Raises `NsviewError`.
    """
    if os.geteuid():
        raise NotPermitted("--net veth takes root", hint="--net none or host do not")
    published, held = claim_ports(spec.published, stack)
    subnet = _claim_network(place)
    interface = interface_of(place.id)
    resolver, has_servers = read_reachable_resolver()
    lacking = list(_missing_ways())
    if not has_servers:
        lacking.append("no names are resolved: the host has no name server that it can reach")
    try:
        link = open_socket()
        stack.callback(link.close)
        protect(link, f"nsview-{place.id[:_SHORT]}", interface, subnet[2], published)
        held.append(link.fileno())
        with Netlink(NETLINK_NETFILTER) as netlink:
            lacking += [
                f"nothing but this host is reached: chain {one} drops what is forwarded"
                for one in forbidding_chains(netlink)
            ]
    except OSError as error:
        lacking.append(f"no way out and no published ports: nf_tables: {error.strerror}")
    return Network(
        interface=interface,
        subnet=subnet,
        published=tuple(published),
        resolver=resolver,
        held=tuple(held),
        lacking=tuple(lacking),
    )


def _claim_network(place: Place) -> IPv4Network:
    """Find a network that nobody uses, and say that it is ours before the next one looks."""
    with lock_all():
        claimed = map(IPv4Network, claimed_networks())
        subnet = free_network([*read_networks(), *claimed])
        if subnet is None:
            raise NsviewError("no private network is free: routes of this host cover them all")
        note_network(place, str(subnet))
    return subnet


def _missing_ways() -> Iterator[str]:
    with suppress(OSError), open(_FORWARD, "rb") as file:
        if file.read().strip() == b"0":
            yield (
                "nothing but this host is reached: net.ipv4.ip_forward is 0 "
                "(sysctl -w net.ipv4.ip_forward=1)"
            )
