"""Interfaces and where they lead, against ip(8); sockets and their owners, against ss(8)."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.descriptors import open_descriptors
from support.networks import inside, ip, ip_json, namespaces, pair, plug, threads_elsewhere
from support.processes import held_by_fd, inode, read_line, sandbox, started, wait_until
from support.requirements import need_programs, need_root
from support.run import Run

from nsview.host import wiring as wiring_module
from nsview.host.host import Host
from nsview.host.networks import Interface, Network, Wiring
from nsview.host.wiring import read_wiring


@pytest.fixture(autouse=True)
def _our_threads_stay_where_they_are() -> Iterator[None]:
    need_root()
    need_programs("ip", "nsenter", "ss")
    descriptors = open_descriptors()
    yield
    wait_until(lambda: not threads_elsewhere())
    assert open_descriptors() == descriptors


def look(*closely: int, connected: bool = False) -> Wiring:
    host = Host()
    inodes = {inode(pid, "net") for pid in closely}
    return read_wiring(host.procfs, host.snapshot(), closely=inodes, connected=connected)


def network_of(wiring: Wiring, pid: int) -> Network:
    return wiring.networks[inode(pid, "net")]


def interface(wiring: Wiring, pid: int, name: str) -> Interface:
    return next(one for one in network_of(wiring, pid).interfaces if one.link.name == name)


def end_of(wiring: Wiring, pid: int, name: str) -> tuple[int | None, str | None]:
    """Where an interface leads: inode and name."""
    one = interface(wiring, pid, name)
    end = one.peer or one.lower
    assert end is not None
    return end.netns, end.interface


def test_both_ends_of_a_cable() -> None:
    with pair() as (left, right):
        wiring = look(left)
        assert end_of(wiring, left, "left") == (inode(right, "net"), "right")
        assert end_of(wiring, right, "right") == (inode(left, "net"), "left")
        one = interface(wiring, left, "left")
        assert one.peer is not None
        assert one.peer.container == network_of(wiring, right).name
        assert one.addresses == ("10.9.8.1/24",)


def test_everything_that_ip_says_of_an_interface() -> None:
    with pair() as (left, right):
        ip(left, "link set left mtu 1400")
        ip(left, "address add fd00:9::1/64 dev lo")
        wiring = look(left, right)
        for theirs in ip_json(left, "address"):
            ours = interface(wiring, left, theirs["ifname"])
            assert ours.link.index == theirs["ifindex"]
            assert ours.link.mac == theirs["address"]
            assert ours.link.mtu == theirs["mtu"]
            assert ours.link.state == theirs["operstate"].lower()
            assert ours.link.kind == theirs.get("linkinfo", {}).get("info_kind")
            addresses = [f"{one['local']}/{one['prefixlen']}" for one in theirs["addr_info"]]
            assert list(ours.addresses) == addresses


def test_many_cables_with_the_same_indices() -> None:
    with namespaces(4) as (hub, *spokes):
        for number, spoke in enumerate(spokes):
            # As containers have it: the inner ends all have the same index and name.
            ip(hub, f"link add port{number} type veth peer name eth0 index 77 netns {spoke}")
        alike = "alike index 99"
        ip(hub, f"link add {alike} type veth peer name {alike} netns {spokes[0]}")
        wiring = look(hub)
        for number, spoke in enumerate(spokes):
            assert end_of(wiring, spoke, "eth0") == (inode(hub, "net"), f"port{number}")
            assert end_of(wiring, hub, f"port{number}") == (inode(spoke, "net"), "eth0")
        assert end_of(wiring, spokes[0], "alike") == (inode(hub, "net"), "alike")
        assert end_of(wiring, hub, "alike") == (inode(spokes[0], "net"), "alike")


def test_a_bridge_and_its_ports() -> None:
    with pair() as (left, right):
        ip(left, "link add bridge type bridge")
        ip(left, "link set left master bridge")
        wiring = look(left)
        assert interface(wiring, left, "left").master == "bridge"
        peer = interface(wiring, right, "right").peer
        assert peer is not None
        assert peer.master == "bridge"
        assert interface(wiring, right, "right").bridge == "bridge"


@pytest.mark.parametrize("kind", ["macvlan", "ipvlan", "vlan"])
def test_what_lies_on_another_interface(kind: str) -> None:
    with namespaces(3) as (below, other, above):
        plug(below, other)
        identity = "id 7" if kind == "vlan" else "mode " + ("bridge" if kind == "macvlan" else "l2")
        try:
            ip(below, f"link add probe link left type {kind} {identity}")
        except subprocess.CalledProcessError:
            pytest.skip(f"this kernel has no {kind}")
        ip(below, "link delete probe")
        ip(below, f"link add upper link left netns {above} type {kind} {identity}")
        ip(below, f"link add beside link left type {kind} {identity.replace('7', '8')}")
        wiring = look(above)
        assert interface(wiring, above, "upper").link.kind == kind
        assert end_of(wiring, above, "upper") == (inode(below, "net"), "left")
        assert end_of(wiring, below, "beside") == (inode(below, "net"), "left")


def test_routes() -> None:
    with pair() as (left, right):
        ip(left, "route add default via 10.9.8.2")
        ip(left, "route add 10.1.0.0/16 nexthop via 10.9.8.3 nexthop via 10.9.8.4")
        ip(left, "route add blackhole 10.2.0.0/16")
        routes = network_of(look(left), left).routes
        assert [(one.destination, one.gateway) for one in routes] == [
            ("default", "10.9.8.2"),
            ("10.1.0.0/16", "10.9.8.3"),
            ("10.1.0.0/16", "10.9.8.4"),
            ("10.9.8.0/24", None),
        ]
        assert right


def test_a_namespace_that_nobody_is_in_is_found_where_it_is_mounted() -> None:
    with Run() as run, namespaces(1) as (here,):
        path = run.directory / "blue"
        path.touch()
        with namespaces(1) as (there,):
            run.output("mount", "--bind", f"/proc/{there}/ns/net", str(path))
        ip(here, f"link add left type veth peer name right netns {path}")
        wiring = look(here)
        netns, name = end_of(wiring, here, "left")
        assert (netns, name) == (path.stat().st_ino, "right")
        assert wiring.networks[netns].path == str(path)
        assert wiring.networks[netns].containers == ()


def test_an_end_in_a_namespace_that_cannot_be_found() -> None:
    with namespaces(1) as (here,), held_by_fd("net") as held:
        ip(here, f"link add left type veth peer name right netns /proc/{held.pid}/fd/{held.fd}")
        peer = interface(look(here), here, "left").peer
        assert peer is not None
        assert (peer.netns, peer.interface, peer.container) == (None, None, None)


LISTENERS = """
import socket, sys
held = []
for family, kind, address in (
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 8001)),
    (socket.AF_INET, socket.SOCK_STREAM, ("0.0.0.0", 8002)),
    (socket.AF_INET6, socket.SOCK_STREAM, ("::", 8003)),
    (socket.AF_INET6, socket.SOCK_STREAM, ("::1", 8004)),
    (socket.AF_INET, socket.SOCK_DGRAM, ("0.0.0.0", 8005)),
):
    one = socket.socket(family, kind)
    one.bind(address)
    if kind == socket.SOCK_STREAM:
        one.listen()
    held.append(one)
only = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
only.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
only.bind(("::", 8006))
only.listen()
client = socket.create_connection(("127.0.0.1", 8001))
server, _ = held[0].accept()
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def listeners(pid: int) -> Iterator[int]:
    enter = ("nsenter", "--target", str(pid), "--net", "--")
    with started(*enter, sys.executable, "-I", "-S", "-c", LISTENERS) as process:
        assert read_line(process) == "ready"
        yield process.pid


def by_ss(pid: int, *options: str) -> set[tuple[str, str, str, tuple[int, ...]]]:
    """Protocol, local and remote address with port, PIDs: as ss(8) sees it in there."""
    found = set()
    for line in inside(pid, "ss", "-H", "-n", "-t", "-u", "-p", *options).decode().splitlines():
        protocol, _, _, _, local, remote, *users = line.split()
        pids = tuple(sorted({int(one) for one in re.findall(r"pid=(\d+)", "".join(users))}))
        found.add((protocol, local.replace("%lo", ""), remote, pids))
    return found


def test_who_listens_as_ss_says() -> None:
    with sandbox("--net", "--mount") as pid:
        ip(pid, "link set lo up")
        with listeners(pid) as owner:
            wiring = look(pid)
            sockets = network_of(wiring, pid).sockets
            ours = {
                (one.protocol, f"{one.shown_address}:{one.port}", wiring.owners[one.inode])
                for one in sockets
            }
            theirs = {(proto, local, pids) for proto, local, _, pids in by_ss(pid, "-l")}
            assert ours == theirs
            assert len(ours) == 6
            assert all(pids == (owner,) for *_, pids in ours)
            assert all(one.listening for one in sockets)


def test_who_is_connected_as_ss_says() -> None:
    with sandbox("--net", "--mount") as pid:
        ip(pid, "link set lo up")
        with listeners(pid):
            wiring = look(pid, connected=True)
            sockets = [one for one in network_of(wiring, pid).sockets if not one.listening]
            ours = {
                (
                    one.protocol,
                    f"{one.address}:{one.port}",
                    f"{one.remote_address}:{one.remote_port}",
                )
                for one in sockets
            }
            theirs = {(proto, local, remote) for proto, local, remote, _ in by_ss(pid)}
            assert ours == theirs
            assert len(ours) == 2


def test_a_socket_whose_process_is_elsewhere() -> None:
    code = """
import ctypes, os, socket, sys
home = os.open("/proc/self/ns/net", os.O_RDONLY)
ctypes.CDLL(None).setns(os.open(sys.argv[1], os.O_RDONLY), 0)
one = socket.socket()
one.bind(("0.0.0.0", 8009))
one.listen()
ctypes.CDLL(None).setns(home, 0)
print("ready", flush=True)
sys.stdin.read()
"""
    with sandbox("--net", "--mount") as pid:
        path = f"/proc/{pid}/ns/net"
        with started(sys.executable, "-I", "-S", "-c", code, path) as process:
            assert read_line(process) == "ready"
            wiring = look(pid)
            (one,) = network_of(wiring, pid).sockets
            assert (one.port, wiring.owners[one.inode]) == (8009, (process.pid,))


@pytest.mark.parametrize("program", ["iptables-legacy", "iptables-nft"])
def test_ports_that_rules_lead_on(program: str) -> None:
    need_programs(program)
    with pair() as (left, right):
        try:
            inside(left, program, "-t", "nat", "-S")
        except subprocess.CalledProcessError:
            pytest.skip(f"this kernel has nothing for {program}")
        for words in (
            "-p tcp --dport 18080 -j DNAT --to-destination 10.9.8.2:80",
            "-d 10.9.8.1 -p udp --dport 18081 -j DNAT --to-destination 10.9.8.2:81",
            "-p tcp --dport 18082 -j DNAT --to-destination 10.9.8.2",
            "-p tcp --dport 18083:18085 -j DNAT --to-destination 10.9.8.2",
            "-p tcp --dport 18086 -j REDIRECT --to-ports 80",
        ):
            inside(left, program, "-t", "nat", "-A", "PREROUTING", *words.split())
        wiring = look(right)
        ours = [one for one in wiring.published if one.netns == inode(left, "net")]
        assert [one.forward for one in ours] == [
            ("tcp", None, 18080, "10.9.8.2", 80),
            ("udp", "10.9.8.1", 18081, "10.9.8.2", 81),
            ("tcp", None, 18082, "10.9.8.2", 18082),
        ]
        assert {one.container for one in ours} == {network_of(wiring, right).name}


NFT = """
table ip one {
    chain leads {
        tcp dport 18080 dnat to 10.9.8.2:80
        ip daddr 10.9.8.1 udp dport 18081 counter dnat to 10.9.8.2:81
        iifname "left" meta l4proto tcp th dport 18082 dnat to 10.9.8.2
        tcp dport { 18083, 18084 } dnat to 10.9.8.2
        tcp dport 18085 redirect to :80
    }
    chain in { type nat hook prerouting priority dstnat; jump leads; }
}
table inet two {
    chain in {
        type nat hook prerouting priority dstnat;
        tcp dport 18086 dnat ip to 10.9.8.2:86
        ip6 daddr fd00:9::1 tcp dport 18087 dnat ip6 to [fd00:9::2]:87
    }
}
"""


def test_ports_that_rules_of_nft_lead_on(tmp_path: Path) -> None:
    need_programs("nft")
    rules = tmp_path / "rules"
    rules.write_text(NFT)
    with pair() as (left, right):
        inside(left, "nft", "-f", str(rules))
        wiring = look(right)
        ours = {one.forward for one in wiring.published if one.netns == inode(left, "net")}
        assert ours == {
            ("tcp", None, 18080, "10.9.8.2", 80),
            ("udp", "10.9.8.1", 18081, "10.9.8.2", 81),
            ("tcp", None, 18082, "10.9.8.2", 18082),
            ("tcp", None, 18086, "10.9.8.2", 86),
            ("tcp", "fd00:9::1", 18087, "fd00:9::2", 87),
        }


def test_looking_makes_no_table() -> None:
    with namespaces(1) as (here,):
        names = f"/proc/{here}/net/ip_tables_names"
        if not os.path.exists(names):
            pytest.skip("this kernel has no tables of iptables-legacy")
        look(here)
        assert Path(names).read_text() == ""


def test_interfaces_that_are_renamed_or_gone_between_two_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pair() as (left, right):
        find_places = wiring_module.find_places

        def after_a_change(*arguments: object) -> object:
            ip(right, "link set right down")
            ip(right, "link set right name other")
            return find_places(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(wiring_module, "find_places", after_a_change)
        assert end_of(look(left), left, "left") == (inode(right, "net"), "right")
        monkeypatch.setattr(wiring_module, "find_places", find_places)
        assert end_of(look(left), left, "left") == (inode(right, "net"), "other")
        ip(right, "link delete other")
        assert [one.link.name for one in network_of(look(left), left).interfaces] == ["lo"]


def test_namespaces_that_end_while_they_are_read() -> None:
    host = Host()
    with pair() as (left, right):
        snapshot = host.snapshot()
        gone = {inode(left, "net"), inode(right, "net")}
    wiring = read_wiring(host.procfs, snapshot)
    assert not gone & wiring.networks.keys()
