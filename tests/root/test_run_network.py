"""Sandboxes on a veth pair: what they reach, what reaches them, and that it all goes again."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import socket
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from support.command import command
from support.hosts import NetHost, two_hosts
from support.processes import PATIENCE, wait_until
from support.requirements import need_programs
from support.run import Run
from support.sandboxes import STATE, is_clean, kill_at, make_root, nothing_left, sandboxes

from nsview.sandbox.network import prepare_network
from nsview.sandbox.publish import parse_published
from nsview.sandbox.spec import Spec
from nsview.sandbox.state import Place

HTTPD = ("busybox", "httpd", "-f", "-p", "80", "-h", "/www")


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    need_programs("busybox", "ip", "nft", "nsenter", "unshare", "sysctl")
    with Run() as run:
        made = make_root(run.directory / "root")
        (made / "www").mkdir()
        (made / "www/index.html").write_text("hello from inside\n")
        yield made


@pytest.fixture
def hosts(root: Path) -> Iterator[tuple[NetHost, NetHost]]:
    """Two hosts; whatever sandboxes run on the first one end with it."""
    known = sandboxes()
    with two_hosts() as (host, world):
        yield host, world
        for one in sandboxes() - known:
            if _layers(one) & {str(root)}:
                host.nsview("rm", "--force", one)
    nothing_left(known, root)


@pytest.fixture
def host(hosts: tuple[NetHost, NetHost]) -> NetHost:
    return hosts[0]


@pytest.fixture
def world(hosts: tuple[NetHost, NetHost]) -> NetHost:
    return hosts[1]


def _layers(identity: str) -> set[str]:
    try:
        config = json.loads((STATE / identity / "config.json").read_text())
    except (OSError, ValueError):
        return set()
    return {layer["path"] for layer in config["layers"]}


def start(host: NetHost, root: Path, *words: str, inside: tuple[str, ...] = HTTPD) -> Any:
    """A sandbox that stays, as the JSON says it."""
    name = f"net-{secrets.token_hex(4)}"
    words = ("--rootfs", str(root), "--rm", "-d", "--json", "--name", name, *words)
    return host.nsview("run", *words, "--net", "veth", "--", *inside).json


def answers(host: NetHost, address: str, port: int) -> None:
    """Wait until the web server inside is up, and see that it is that one."""

    def attempt() -> bool:
        try:
            return b"hello from inside" in host.ask(address, port)
        except ConnectionError:
            return False

    wait_until(attempt)


def run_inside(host: NetHost, root: Path, script: str, *words: str) -> str:
    done = host.nsview("run", "--rootfs", str(root), "--rm", "--net", "veth", *words, "--",
                       "sh", "-c", script)  # fmt: skip
    assert done.status == 0, done.err
    return done.out.decode()


def test_it_has_an_address_a_way_out_and_its_own_files(host: NetHost, root: Path) -> None:
    known = root.stat().st_mtime_ns
    box = start(host, root, "--hostname", "box")
    inside = ("enter", f"nsview/{box['ref'].partition('/')[2]}", "--")
    address, network = IPv4Address(box["ip"]), IPv4Network(f"{box['ip']}/30", strict=False)
    (line,) = host.nsview(*inside, "ip", "-o", "-4", "addr", "show", "eth0").lines
    assert f"inet {address}/30 " in line
    assert host.nsview(*inside, "ip", "route").lines[0].split()[:3] == [
        "default", "via", str(network[1]),
    ]  # fmt: skip
    assert "LOOPBACK,UP" in host.nsview(*inside, "ip", "-o", "link", "show", "lo").out.decode()
    hosts = host.nsview(*inside, "cat", "/etc/hosts").lines
    assert f"{address}\tbox" in hosts
    names = host.nsview(*inside, "cat", "/etc/resolv.conf").lines
    assert all(not line.split()[1].startswith("127.") for line in names if "nameserver" in line)
    assert f"inet {network[1]}/30 " in host.run("ip", "-o", "addr", "show", box["veth"])
    assert "inet6" not in host.run("ip", "-o", "addr", "show", box["veth"])
    (found,) = [
        one for one in host.nsview("ls", "--json").json["containers"] if one["id"] == box["id"]
    ]
    assert (found["ip"], found["veth"]) == (box["ip"], box["veth"])
    assert box["partial"] == []
    assert root.stat().st_mtime_ns == known


def test_it_speaks_from_the_address_of_its_host(host: NetHost, world: NetHost, root: Path) -> None:
    with world.listen(world.address) as listening, ThreadPoolExecutor(1) as pool:
        script = f"echo question | nc {world.address} {listening.getsockname()[1]}"
        answer = pool.submit(run_inside, host, root, script)
        connection, (peer, _) = listening.accept()
        with connection:
            assert connection.recv(100) == b"question\n"
            connection.sendall(b"answer\n")
        assert answer.result() == "answer\n"
    assert peer == host.address


def test_a_user_namespace_of_its_own(host: NetHost, root: Path) -> None:
    """Its root may not change the host's end, and has a network all the same."""
    box = start(host, root, "--userns", "--publish", "0:80")
    answers(host, "127.0.0.1", box["published"][0]["host_port"])
    inside = NetHost(box["pid"], box["ip"])
    assert f"inet {box['ip']}/30 " in inside.run("ip", "-o", "-4", "addr", "show", "eth0")


def test_published_ports(host: NetHost, world: NetHost, root: Path) -> None:
    box = start(host, root, "--publish", "0:80", "--publish", "127.0.0.1:0:80")
    everywhere, local = (one["host_port"] for one in box["published"])
    answers(host, box["ip"], 80)
    answers(host, "127.0.0.1", everywhere)
    answers(host, host.address, everywhere)
    answers(world, host.address, everywhere)
    answers(host, "127.0.0.1", local)
    for asking in (host, world):
        with pytest.raises(ConnectionRefusedError):
            asking.ask(host.address, local)
    # From inside, as anybody: its own port, by its host's address.
    script = f"sleep 0; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc {host.address} {everywhere}"
    assert "hello from inside" in run_inside(host, root, script)


def test_published_datagrams(host: NetHost, world: NetHost, root: Path) -> None:
    box = start(host, root, "--publish", "0:53/udp")
    (port,) = (one["host_port"] for one in box["published"])
    inside = NetHost(box["pid"], box["ip"])
    for asking, address in ((host, "127.0.0.1"), (world, host.address)):
        with (
            inside.socket(socket.SOCK_DGRAM) as answering,
            asking.socket(socket.SOCK_DGRAM) as link,
        ):
            answering.bind(("0.0.0.0", 53))
            for one in (answering, link):
                one.settimeout(PATIENCE)
            link.connect((address, port))
            link.send(b"question")
            question, peer = answering.recvfrom(100)
            answering.sendto(b"answer to " + question, peer)
            assert link.recv(100) == b"answer to question"


def test_what_is_not_published_is_out_of_reach(host: NetHost, world: NetHost, root: Path) -> None:
    """By routes of a neighbour's own, and from the next sandbox, too."""
    box = start(host, root)
    answers(host, box["ip"], 80)
    world.run("ip", "route", "add", f"{box['ip']}/32", "via", host.address)
    with pytest.raises(TimeoutError):
        world.ask(box["ip"], 80, patience=1)
    host.run("ip", "route", "get", box["ip"])  # which the host itself has
    script = f"nc -w 1 {box['ip']} 80 < /dev/null || echo out of reach"
    assert run_inside(host, root, script) == "out of reach\n"


def test_it_does_not_reach_the_loopback_of_its_host(host: NetHost, root: Path) -> None:
    """CVE-2020-8558: the price of published ports that answer on 127.0.0.1."""
    box = start(host, root, "--publish", "0:80")
    inside = NetHost(box["pid"], box["ip"])
    with host.socket(socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(PATIENCE)
        port = listening.getsockname()[1]
        _send_raw(inside, host, box, "127.0.0.1", port, b"from the sandbox")
        with host.socket(socket.SOCK_DGRAM) as link:
            link.sendto(b"from the host", ("127.0.0.1", port))
        assert listening.recv(100) == b"from the host"
    with host.socket(socket.SOCK_DGRAM) as listening:  # such a packet does arrive elsewhere
        gateway = str(IPv4Network(f"{box['ip']}/30", strict=False)[1])
        listening.bind((gateway, 0))
        listening.settimeout(PATIENCE)
        _send_raw(inside, host, box, gateway, listening.getsockname()[1], b"from the sandbox")
        assert listening.recv(100) == b"from the sandbox"


def _send_raw(
    inside: NetHost, host: NetHost, box: Any, address: str, port: int, data: bytes
) -> None:
    """Send a datagram as root inside could write it, whatever the routes there say."""
    line = host.run("ip", "-o", "link", "show", box["veth"])
    mac = bytes.fromhex(line.partition("link/ether ")[2].split()[0].replace(":", ""))
    udp = struct.pack("!HHHH", 9999, port, 8 + len(data), 0) + data
    addresses = IPv4Address(box["ip"]).packed + IPv4Address(address).packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    packet = head[:10] + struct.pack("!H", total) + head[12:] + udp
    with inside.socket(socket.SOCK_DGRAM, socket.AF_PACKET) as link:
        link.sendto(packet, ("eth0", 0x0800, 0, 0, mac))


def test_it_is_all_taken_down(host: NetHost, root: Path) -> None:
    before = host.state()
    box = start(host, root, "--publish", "0:80")
    assert host.state() != before
    # Somebody in there keeps the network namespace, and would keep the pair.
    with subprocess.Popen(
        ["nsenter", f"--net=/proc/{box['pid']}/ns/net", "cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as held:
        wait_until(lambda: os.readlink(f"/proc/{held.pid}/ns/net").endswith(
            f"[{box['namespaces']['net']}]"))  # fmt: skip
        assert host.nsview("stop", box["ref"]).status == 0
        assert host.state() == before
    assert (
        host.nsview("run", "--rootfs", str(root), "--rm", "--net", "veth", "--", "true").status == 0
    )
    assert host.state() == before


@pytest.mark.parametrize("launcher", [False, True], ids=["nsview", "launcher"])
def test_a_kill_leaves_nothing_that_gc_does_not_find(
    host: NetHost, root: Path, launcher: bool
) -> None:
    before, known = host.state(), sandboxes()
    words = command("run", "--rootfs", str(root), "--net", "veth", "--publish", "0:80", "--rm",
                    "--", "sleep", "1000")  # fmt: skip
    for step in range(12):
        kill_at(0.1 + step * 0.06, [*host.launcher, *words], launcher=launcher)
    # Again and again: a launcher that was not killed may be at it meanwhile.
    wait_until(
        lambda: host.nsview("gc").status == 0 and host.state() == before and is_clean(known, root)
    )


def test_many_at_once(host: NetHost, root: Path) -> None:
    before = host.state()
    with ThreadPoolExecutor(8) as pool:
        boxes = list(pool.map(lambda _: start(host, root, "--publish", "0:80"), range(20)))
    assert len({box["ip"] for box in boxes}) == len({box["veth"] for box in boxes}) == 20
    for box in boxes:
        answers(host, "127.0.0.1", box["published"][0]["host_port"])
    assert host.nsview("stop", "--time", "0", *(box["ref"] for box in boxes)).status == 0
    assert host.state() == before


def test_a_port_that_is_taken(host: NetHost, root: Path) -> None:
    before, known = host.state(), sandboxes()
    with host.listen("0.0.0.0") as listening:
        port = listening.getsockname()[1]
        words = ("--rootfs", str(root), "--net", "veth", "--publish", f"{port}:80", "--", "true")
        done = host.nsview("run", *words)
    assert (done.status, done.out) == (125, b"")
    assert done.err == f"nsview: error: --publish 0.0.0.0:{port}/tcp: the port is taken\n"
    assert host.state() == before
    nothing_left(known, root)
    box = start(host, root, "--publish", "0:80")
    taken = box["published"][0]["host_port"]
    done = host.nsview("run", *words[:5], f"{taken}:80", "--", "true")
    assert (done.status, done.err.count("\n")) == (125, 1)
    assert "the port is taken" in done.err


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--publish", "80:80"), 125),
        (("--net", "veth", "--publish", "80"), 125),
        (("--net", "veth", "--publish", "0:0"), 125),
        (("--net", "veth", "--publish", "0:80/sctp"), 125),
        (("--net", "veth", "--publish", "[::1]:0:80"), 125),
        (("--net", "veth", "--publish", "203.0.113.77:0:80"), 125),
        (("--net", "bridge"), 2),
    ],
)
def test_bad_input(host: NetHost, root: Path, words: tuple[str, ...], status: int) -> None:
    before = host.state()
    done = host.nsview("run", "--rootfs", str(root), *words, "--", "true")
    assert (done.status, done.out) == (status, b"")
    assert done.err.startswith("nsview: error: ")
    assert host.state() == before


def test_addresses_that_the_host_uses_are_left_to_it(host: NetHost, root: Path) -> None:
    host.run("ip", "route", "add", "default", "dev", "wire0")
    host.run("ip", "route", "add", "0.0.0.0/1", "dev", "wire0")  # as VPNs have it
    first = start(host, root)["ip"]
    host.run("ip", "route", "add", "unreachable", "10.213.0.0/17", "table", "77")
    host.run("ip", "address", "add", "10.213.128.1/32", "dev", "lo")
    second = start(host, root)["ip"]
    assert (first, second) == ("10.213.0.2", "10.213.128.6")
    for private in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"):
        host.run("ip", "route", "add", "unreachable", private)
    done = host.nsview("run", "--rootfs", str(root), "--net", "veth", "--", "true")
    assert (done.status, done.err.count("\n")) == (125, 1)
    assert "no private network is free" in done.err


def test_what_stands_in_the_way_is_said(host: NetHost, root: Path) -> None:
    host.run("nft", "add table ip guard; add chain ip guard FORWARD "
             "{ type filter hook forward priority 0; policy drop; }")  # fmt: skip
    host.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
    before = host.state()
    words = ("run", "--rootfs", str(root), "--rm", "--net", "veth")
    done = host.nsview(*words, "--", "true")
    assert done.status == 0
    assert "net.ipv4.ip_forward is 0" in done.err
    assert "chain guard FORWARD drops" in done.err
    done = host.nsview(*words, "--strict", "--", "true")
    assert (done.status, done.err.count("\n")) == (125, 1)
    assert "not allowed by this host" in done.err
    assert host.run("cat", "/proc/sys/net/ipv4/ip_forward") == "0\n"
    assert host.state() == before


def test_a_kernel_without_nf_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its wire to the host, and what that is not good for is said."""

    def refuse() -> socket.socket:
        raise OSError(errno.EPROTONOSUPPORT, os.strerror(errno.EPROTONOSUPPORT))

    monkeypatch.setattr("nsview.sandbox.network.open_socket", refuse)
    monkeypatch.setattr("nsview.sandbox.network.note_network", lambda *_: None)
    spec = Spec(lower=(), network="veth", published=(parse_published("127.0.0.1:0:80"),))
    place = Place(id="0" * 32, name="none", lock=-1, state="", layers="")
    with contextlib.ExitStack() as stack:
        network = prepare_network(spec, place, stack)
    assert "no way out and no published ports: nf_tables: Protocol not supported" in network.lacking


def test_nothing_of_an_image_is_followed(host: NetHost, root: Path) -> None:
    """Neither to write the files of /etc, nor to read what goes into them."""
    hostile = make_root(root.parent / f"hostile-{secrets.token_hex(4)}")
    target = root.parent / "target"
    target.mkdir(exist_ok=True)
    (target / "hosts").write_text("untouched\n")
    (hostile / "etc/passwd").rename(target / "passwd")
    (hostile / "etc/group").unlink()
    (hostile / "etc").rmdir()
    (hostile / "etc").symlink_to(target)
    assert "localhost" in run_inside(host, hostile, "cat /etc/hosts; ls -l /etc/resolv.conf")
    (hostile / "etc").unlink()
    (hostile / "etc").mkdir()
    for name in ("hosts", "resolv.conf", "hostname"):
        (hostile / "etc" / name).symlink_to(target / name)
    assert "localhost" in run_inside(host, hostile, "cat /etc/hosts; ls -l /etc/resolv.conf")
    assert sorted(os.listdir(target)) == ["hosts", "passwd"]
    assert (target / "hosts").read_text() == "untouched\n"
