"""`nsview net` as people run it."""

from __future__ import annotations

import sys

from support.command import NOBODY, nsview, python_for_everybody
from support.networks import ip, pair
from support.processes import inode, joined_by_setns, read_line, started
from support.requirements import need_programs, need_root

LISTEN = """
import socket, sys
one = socket.create_server(("10.9.8.1", 8080))
print("ready", flush=True)
sys.stdin.read()
"""


def test_one_container_and_where_its_cable_leads() -> None:
    need_root()
    need_programs("ip", "nsenter")
    with pair() as (left, right):
        ip(left, "route add default via 10.9.8.2")
        enter = ("nsenter", "--target", str(left), "--net", "--")
        with started(*enter, sys.executable, "-I", "-c", LISTEN) as process:
            assert read_line(process) == "ready"
            document = nsview("net", str(left), "--json").json
            lines = nsview("net", str(left)).lines
        (one,) = (one for one in document["interfaces"] if one["name"] == "left")
        assert one["addresses"] == ["10.9.8.1/24"]
        assert (one["netns"], one["kind"], one["state"]) == (inode(left, "net"), "veth", "up")
        assert one["peer"]["interface"] == "right"
        assert one["peer"]["netns"] == inode(right, "net")
        (port,) = document["ports"]
        assert (port["proto"], port["address"], port["port"]) == ("tcp", "10.9.8.1", 8080)
        assert port["pid"] == process.pid
        assert document["connections"] is None
        (network,) = document["networks"]
        assert {"destination": "default", "gateway": "10.9.8.2", "interface": "left"} in network[
            "routes"
        ]
        words = [line.split() for line in lines]
        assert ["default", "10.9.8.2", "left"] in words
        assert any(line[:3] == ["tcp", "10.9.8.1", "8080"] for line in words)
        assert any(line[0] == "left" and line[-1] == "right" for line in words if line)


def test_all_of_them_and_one_that_shares() -> None:
    need_root()
    with pair() as (left, right):
        document = nsview("net", "--json").json
        first, *others = document["networks"]
        assert first["containers"][0] == "host"
        names = [one["containers"][0] for one in others if one["containers"]]
        assert names == sorted(names)
        inodes = {one["netns"] for one in document["networks"]}
        assert {inode(left, "net"), inode(right, "net"), inode("self", "net")} <= inodes
        command = ("unshare", "--pid", "--kill-child", "cat")
        with joined_by_setns(left, "--net", command=command) as pid:
            refs = nsview("net", str(pid), "--json").json["networks"][0]["containers"]
            assert len(refs) >= 2
            assert f"shares its network with {refs[0]}, " in nsview("net", str(pid)).err


def test_what_is_not_there() -> None:
    done = nsview("net", "nobody-has-this-name")
    assert (done.status, done.out) == (3, b"")
    assert done.err.startswith("nsview: error: ")


def test_without_rights_it_says_what_is_missing() -> None:
    need_root()
    python = python_for_everybody()
    with pair():
        done = nsview("net", "--json", launcher=NOBODY, python=python)
        assert any("CAP_SYS_PTRACE" in reason for reason in done.json["partial"])


def test_without_the_right_to_join_it_says_how_many_are_missing() -> None:
    need_root()
    less = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--")
    with pair() as (left, _):
        document = nsview("net", "--json", launcher=less).json
        assert inode(left, "net") not in {one["netns"] for one in document["networks"]}
        assert any(
            "may not be joined: that takes CAP_SYS_ADMIN" in one for one in document["partial"]
        )
        assert inode("self", "net") in {one["netns"] for one in document["networks"]}
        done = nsview("net", str(left), launcher=less)
        assert (done.status, done.out) == (4, b"")
        assert "nsview: error: the network of " in done.err
