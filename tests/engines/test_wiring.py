"""Bridges, veths, ports and published ports of real engines, against what they and ss(8) say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.command import nsview
from support.engines import BridgedDocker, BridgedPodman, Containerd, Podman, Started
from support.networks import inside
from support.processes import inode, wait_until
from support.requirements import need_programs

Bridged = BridgedDocker | BridgedPodman


@pytest.fixture(params=["bridged_docker", "bridged_podman"])
def engine(request: pytest.FixtureRequest) -> Bridged:
    need_programs("ip", "ss")
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]  # pytest's Any


def listening(container: Started) -> set[tuple[str, str, int]]:
    """Protocol, address with port, and the PID of who listens, as ss(8) says inside."""
    assert container.pid is not None
    found = set()
    lines = inside(container.pid, "ss", "-H", "-t", "-u", "-l", "-n", "-p").decode().splitlines()
    for line in lines:
        protocol, _, _, _, local, _, users = line.split()
        (pid,) = re.findall(r"pid=(\d+)", users)
        found.add((protocol, local, int(pid)))
    return found


def serve(engine: Bridged, *flags: str, port: int = 80) -> Started:
    container = engine.serve(*flags, port=port)
    wait_until(lambda: listening(container))
    return container


def net(reference: str) -> Any:
    return nsview("net", reference, "--json").json


def ref(container: Started) -> str:
    return f"{container.engine}/{container.name}"


def test_every_veth_of_the_bridge_leads_to_its_container(engine: Bridged) -> None:
    containers = [serve(engine) for _ in range(3)]
    try:
        ports = json.loads(engine.beside_the_bridge("ip", "-json", "-details", "link"))
        veths = {one["ifname"]: one for one in ports if one.get("master")}
        assert len(veths) >= 3
        found = {one["name"]: one for one in net(f"net:[{engine.netns}]")["interfaces"]}
        for name, veth in veths.items():
            peer = found[name]["peer"]
            assert found[name]["bridge"] == veth["master"]
            assert peer["interface"] == "eth0"
            assert peer["index"] == veth["link_index"]
        led_to = {found[name]["peer"]["container"] for name in veths}
        assert {ref(one) for one in containers} <= led_to
        for one in containers:
            (eth0,) = (each for each in net(ref(one))["interfaces"] if each["name"] == "eth0")
            assert eth0["peer"]["netns"] == engine.netns
            assert found[eth0["peer"]["interface"]]["peer"]["container"] == ref(one)
            assert eth0["bridge"] == veths[eth0["peer"]["interface"]]["master"]
    finally:
        for one in containers:
            engine.remove(one)


def test_who_listens_inside(engine: Bridged) -> None:
    container = serve(engine, port=8080)
    try:
        ss = listening(container)
        # nc ends with each connection, of which there are none.
        ports = net(ref(container))["ports"]
        ours = {
            (one["proto"], f"{one['address'].replace('::', '*')}:{one['port']}", one["pid"])
            for one in ports
        }
        assert ours == ss
        assert {one["container"] for one in ports} == {ref(container)}
        assert all(one["netns"] == inode(container.pid or 0, "net") for one in ports)
    finally:
        engine.remove(container)


def test_published_ports(engine: Bridged) -> None:
    container = serve(engine, "-p", "127.0.0.1:18080:80", "-p", "18081:81/udp")
    try:
        found = net(ref(container))
        (address,) = (
            one.partition("/")[0]
            for interface in found["interfaces"]
            if interface["name"] == "eth0"
            for one in interface["addresses"]
            if ":" not in one
        )
        published = {
            (one["proto"], one["address"], one["port"], one["to_address"], one["to_port"])
            for one in found["published"]
            if one["address"] != "::"
        }
        assert published == {
            ("tcp", "127.0.0.1", 18080, address, 80),
            ("udp", "0.0.0.0", 18081, address, 81),
        }
        for one in found["published"]:
            assert one["container"] == ref(container)
            assert one["netns"] == engine.netns
            assert one["address"] == "::" or "nat" in one["via"]
            assert isinstance(engine, BridgedPodman) or "docker-proxy" in one["via"]
    finally:
        engine.remove(container)


def test_containers_that_share_a_network(engine: Bridged) -> None:
    first = serve(engine, "-p", "18080:80")
    second = serve(engine, f"--network=container:{first.name}", port=81)
    try:
        found = net(ref(second))
        assert found["networks"][0]["containers"] == [ref(first), ref(second)]
        assert {one["port"]: one["container"] for one in found["ports"]} == {
            80: ref(first),
            81: ref(second),
        }
        assert [one["port"] for one in found["published"] if one["address"] != "::"] == [18080]
        assert f"shares its network with {ref(first)}" in nsview("net", ref(second)).err
    finally:
        engine.remove(second)
        engine.remove(first)


def test_a_pod_shares_the_network_of_its_sandbox(containerd: Containerd, podman: Podman) -> None:
    for sandbox, *others in (containerd.start_pod("cart", "db"), podman.start_pod(2)):
        (network,) = net(str(sandbox.pid))["networks"]
        first, *rest = network["containers"]
        assert len(rest) == len(others) == 2
        for one in others:
            assert net(str(one.pid))["networks"] == [network]
            assert f"shares its network with {first}, " in nsview("net", str(one.pid)).err
