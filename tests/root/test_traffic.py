"""Traffic of network namespaces against what ip(8) says in there."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from support.networks import inside, ip, ip_json, pair, threads_elsewhere
from support.processes import inode, sandbox, wait_until
from support.requirements import need_programs, need_root

from nsview.host.host import Host
from nsview.host.model import Snapshot

FLOOD = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    for _ in range(40):
        one.sendto(bytes(1000), (sys.argv[1], 9))
"""


@pytest.fixture(autouse=True)
def _our_threads_stay_where_they_are() -> Iterator[None]:
    need_root()
    need_programs("ip", "nsenter")
    yield
    wait_until(lambda: not threads_elsewhere())


def counters(pid: int, name: str) -> tuple[int, int]:
    (one,) = ip_json(pid, f"-statistics link show {name}")
    return one["stats64"]["rx"]["bytes"], one["stats64"]["tx"]["bytes"]


def bytes_of(snapshot: Snapshot, pid: int) -> tuple[int, int]:
    one = snapshot.traffic[inode(pid, "net")]
    return one.rx_bytes, one.tx_bytes


def agrees(host: Host, pid: int, name: str) -> bool:
    """What is on its way, or asks who is there, may be counted between the two looks."""
    return bytes_of(host.snapshot(traffic=True), pid) == counters(pid, name)


def test_what_goes_through_a_cable() -> None:
    with pair() as (left, right):
        host = Host()
        _, sent_before = bytes_of(host.snapshot(traffic=True), left)
        inside(left, sys.executable, "-I", "-c", FLOOD, "10.9.8.2")
        wait_until(lambda: counters(left, "left")[1] >= sent_before + 40_000)
        after = host.snapshot(traffic=True)
        one = after.traffic[inode(left, "net")]
        assert one.tx_bytes >= sent_before + 40_000
        assert one.tx_rate is not None
        assert one.tx_rate > 0
        wait_until(lambda: agrees(host, left, "left") and agrees(host, right, "right"))


def test_what_a_bridge_repeats_counts_once() -> None:
    with pair() as (_, right):
        ip(right, "link add inner type bridge")
        ip(right, "link add port type veth peer name end")
        ip(right, "link set port master inner")
        host = Host()
        wait_until(lambda: agrees(host, right, "right"))
        ip(right, "link set right name other")
        ip(right, "link delete port")
        wait_until(lambda: agrees(host, right, "other"))


def test_a_namespace_with_nothing_but_its_loopback() -> None:
    with sandbox("--net", "--mount") as pid:
        ip(pid, "link set lo up")
        inside(pid, sys.executable, "-I", "-c", FLOOD, "127.0.0.2")
        wait_until(lambda: counters(pid, "lo") > (40_000, 40_000))
        assert bytes_of(Host().snapshot(traffic=True), pid) == (0, 0)


def test_the_hosts() -> None:
    snapshot = Host().snapshot(traffic=True)
    assert snapshot.initial["net"] in snapshot.traffic
