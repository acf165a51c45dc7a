"""Interfaces, addresses and routes, by pyroute2: it takes longer to import than all else here."""

from __future__ import annotations

import os
import socket
from ipaddress import IPv4Network

from nsview.errors import NsviewError
from nsview.kernel import libc
from nsview.light import ExitStack, contextmanager
from nsview.typed import Any, Final, Iterator

INSIDE: Final = "eth0"
#: Shorter ones are a default route in parts, as VPNs set it: 0.0.0.0/1 and 128.0.0.0/1.
_SHORTEST_PREFIX: Final = 8
_SETTINGS: Final = "/proc/sys/net/{family}/conf/{interface}/{name}"


def read_networks() -> Iterator[IPv4Network]:
    """The networks and addresses that some routing table of ours leads to; not default routes."""
    from pyroute2 import IPRoute

    with _saying("reading the routes of this host"), IPRoute() as routes:
        for one in routes.get_routes(family=socket.AF_INET):
            length = one["dst_len"]
            if length >= _SHORTEST_PREFIX:
                yield IPv4Network((one.get_attr("RTA_DST"), length))


def make_pair(interface: str, subnet: IPv4Network, pid: int, *, reachable: bool) -> list[str]:
    """Make `interface` with its other end in the network namespace of `pid`, which has none yet.

    We get the first address of `subnet`, and the other end the second one. With `reachable`, what
    is sent from 127.0.0.1 may leave by it. Returns what could not be had, in words; raises
    `NsviewError`.
    """
    from pyroute2 import IPRoute

    gateway, address = str(subnet[1]), str(subnet[2])
    with _saying(f"making {interface}"), ExitStack() as stack:
        netns = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, netns)
        with IPRoute() as host:
            peer = {"ifname": INSIDE, "net_ns_fd": netns}
            host.link("add", ifname=interface, kind="veth", peer=peer)
            lacking = list(_refused_settings(interface, reachable=reachable))
            _set_up(host, interface, gateway, subnet.prefixlen)
        with IPRoute(fileno=_open_socket_in(netns)) as inside:
            _set_up(inside, INSIDE, address, subnet.prefixlen)
            inside.route("add", dst="default", gateway=gateway)
    return lacking


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """Raise `NsviewError` with what was being done, for whatever the kernel refuses."""
    from pyroute2 import NetlinkError

    try:
        yield
    except NetlinkError as error:
        raise NsviewError(f"{what}: {os.strerror(error.code)}") from None
    except OSError as error:
        raise NsviewError(f"{what}: {error.strerror}") from None


def _set_up(link: Any, name: str, address: str, length: int) -> None:
    (index,) = link.link_lookup(ifname=name)
    link.addr("add", index=index, address=address, prefixlen=length)
    link.link("set", index=index, state="up")


def _refused_settings(interface: str, *, reachable: bool) -> Iterator[str]:
    """Set what the host's end is to do, before it is up; yields what cannot be set."""
    settings = [
        # A sandbox may send router advertisements, and the host would follow (CVE-2020-13401).
        ("ipv6", "disable_ipv6", b"1"),
        ("ipv4", "rp_filter", b"1"),  # nor may it speak in the name of others
    ]
    if reachable:
        settings.append(("ipv4", "route_localnet", b"1"))  # 127.0.0.1 leads to it, see firewall
    for family, name, value in settings:
        path = _SETTINGS.format(family=family, interface=interface, name=name)
        try:
            with open(path, "wb", buffering=0) as file:
                file.write(value)
        except FileNotFoundError:  # a kernel without IPv6
            continue
        except OSError as error:
            yield f"{name} of {interface}: {error.strerror}"


def _open_socket_in(netns: int) -> int:
    """A netlink socket of another network namespace; where it is opened decides for ever.

    pyroute2 would fork for that, 17 ms.
    """
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        libc.setns(netns, libc.CLONE_NEWNET)
        try:
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
            return socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE).detach()
        finally:
            libc.setns(own, libc.CLONE_NEWNET)
    finally:
        os.close(own)
