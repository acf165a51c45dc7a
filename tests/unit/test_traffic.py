"""Which interfaces count, and rates between two readings."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from nsview.host import traffic
from nsview.host.traffic import TrafficMeter, leading_out
from nsview.kernel.links import Link
from nsview.kernel.net_dev import Carried
from nsview.kernel.procfs import Procfs

HOST = 4026531833
INSIDE = 4026532180


def link(name: str, kind: str | None = None, **more: object) -> Link:
    plain = Link(
        index=1, name=name, kind=kind, loopback=name == "lo", mac=None, mtu=1500, state="up",
        master=None, link=None, link_netnsid=None, rx_bytes=0, tx_bytes=0,
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


LO = link("lo")
ETH0 = link("eth0")
BRIDGE = link("docker0", "bridge")
PORT = link("veth1", "veth", link=2, link_netnsid=0, master=3)
ROUTED = link("cali1", "veth", link=2, link_netnsid=0)
BOTH_HERE = link("veth2", "veth", link=5)
VLAN = link("eth0.7", "vlan", link=1)
TUN = link("tap0", "tun")


@pytest.mark.parametrize(
    ("links", "is_host", "names"),
    [
        ([LO, ETH0, BRIDGE, PORT, VLAN], True, {"eth0"}),
        ([LO, ETH0, ROUTED], True, {"eth0"}),
        ([LO, ROUTED, BRIDGE, PORT, BOTH_HERE], True, {"cali1"}),  # the host is a container itself
        ([LO, ROUTED, BRIDGE, PORT], False, {"cali1"}),  # docker in docker
        ([LO, ETH0, ROUTED, TUN], False, {"eth0", "cali1"}),  # a card was moved in
        ([LO, TUN], False, set()),
        ([LO], False, set()),
    ],
)
def test_what_leads_out(links: list[Link], is_host: bool, names: set[str]) -> None:
    assert leading_out(links, is_host=is_host) == names


class Readings:
    """What stands in net/dev, reading by reading, and how often it was asked for links."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, links: list[Link]) -> None:
        self.now: dict[str, Carried] | None = None
        self.clock = 0.0
        self.asked = 0
        self.reads = 0
        self.awake: set[int] | None = None
        self.links: list[Link] | OSError = links
        self.meter = TrafficMeter(Procfs("/nowhere"))
        monkeypatch.setattr(traffic, "read_net_dev", self._read)
        monkeypatch.setattr(traffic.time, "monotonic", lambda: self.clock)
        monkeypatch.setattr(traffic, "call_inside", self._ask)

    def _read(self, *_: object) -> dict[str, Carried] | None:
        self.reads += 1
        return self.now

    def _ask(self, *_: object) -> list[Link]:
        self.asked += 1
        if isinstance(self.links, OSError):
            raise self.links
        return self.links

    def read(self, seconds: float = 2.0, **carried: tuple[int, int]) -> tuple[object, ...] | None:
        self.clock += seconds
        self.now = {name: Carried(*both) for name, both in carried.items()} or None
        one = self.meter.read_traffic({INSIDE: [4711]}, HOST, self.awake).get(INSIDE)
        return one and (one.rx_bytes, one.tx_bytes, one.rx_rate, one.tx_rate)


def test_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Readings(monkeypatch, [])
    assert here.read(lo=(9, 9), eth0=(100, 50)) == (100, 50, None, None)
    assert here.read(lo=(99, 99), eth0=(300, 50)) == (300, 50, 100.0, 0.0)
    assert here.read(4.0, lo=(99, 99), eth0=(300, 58)) == (300, 58, 0.0, 2.0)
    assert here.asked == 0


def test_interfaces_come_go_are_renamed_and_start_again(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Readings(monkeypatch, [])
    here.read(lo=(9, 9), eth0=(100, 50))
    assert here.read(lo=(9, 9), eth1=(300, 50)) == (300, 50, 0.0, 0.0)  # renamed
    assert here.read(lo=(9, 9), eth1=(0, 4)) == (0, 4, 0.0, 0.0)  # another one of that name
    assert here.read(lo=(9, 9)) == (0, 0, 0.0, 0.0)
    assert here.read() is None  # the process is gone
    assert here.read(lo=(9, 9), eth0=(7, 7)) == (7, 7, None, None)


def test_links_are_asked_for_until_they_are_the_same_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Readings(monkeypatch, [LO, ROUTED, BRIDGE])
    for _ in range(4):
        here.read(lo=(1, 1), cali1=(10, 10), docker0=(10, 10))
    assert here.asked == 2
    here.links = [LO, ROUTED, BRIDGE, PORT]
    read = here.read(lo=(1, 1), cali1=(30, 10), docker0=(10, 10), veth1=(10, 10))
    assert read == (30, 10, 10.0, 0.0)
    assert here.asked == 3


def test_without_the_right_to_ask_all_count(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Readings(monkeypatch, [])
    here.links = PermissionError(1, os.strerror(1))
    assert here.read(lo=(1, 1), eth0=(30, 10), docker0=(10, 10)) == (40, 20, None, None)


def test_where_nothing_leads_out_and_nobody_runs_it_is_seldom_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = Readings(monkeypatch, [])
    here.awake = set()
    for _ in range(16):
        here.read(lo=(9, 9))
    assert here.reads < 6
    found = [here.read(lo=(9, 9), eth0=(100, 50)) for _ in range(8)]
    assert (100, 50, 0.0, 0.0) in found  # somebody else has plugged it in
    before = here.reads
    for looks in range(1, 5):
        here.read(lo=(9, 9), eth0=(100, 50))  # others may send to it while nobody in it runs
        assert here.reads == before + looks


def test_whoever_runs_has_its_namespace_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for awake in (None, {INSIDE}):
        here = Readings(monkeypatch, [])
        here.awake = awake
        for looks in range(1, 9):
            here.read(lo=(9, 9))
            assert here.reads == looks
