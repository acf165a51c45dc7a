"""What network namespaces send and receive: counters, and rates from two readings.

One small file a namespace and reading (`nsview.kernel.net_dev`), none a process. Traffic is that of
a namespace: containers that share one (a pod, ``--network container:``) share its figures.
"""

from __future__ import annotations

import time

from nsview.host.model import Traffic
from nsview.host.network_namespaces import call_inside
from nsview.kernel.links import Link, read_links
from nsview.kernel.net_dev import Carried, read_net_dev
from nsview.kernel.netlink import Netlink
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Collection, Iterable, Mapping

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

_LOOPBACK = "lo"
#: Where nothing leads out and nobody in it has run, somebody else may have plugged something in:
#: that is looked for after so many readings.
_LOOKED_AT_ANYWAY = 8


class _Reading(NamedTuple):
    moment: float
    carried: Mapping[str, Carried]
    """By interface; those that lead out alone."""


class _Outward(NamedTuple):
    names: frozenset[str]
    """All interfaces, when it was asked which of them lead out."""
    outward: frozenset[str]
    settled: bool
    """They were the same twice: an engine makes a veth first, and plugs it into a bridge then."""


class TrafficMeter:
    """Remembers the last reading of each namespace. Not thread-safe."""

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._turn = 0
        self._last: dict[int, _Reading] = {}
        self._traffic: dict[int, Traffic] = {}
        self._outward: dict[int, _Outward] = {}

    def read_traffic(
        self,
        members: Mapping[int, Iterable[int]],
        host: int,
        awake: Collection[int] | None = None,
    ) -> dict[int, Traffic]:
        """Inode of a network namespace -> its traffic, for each that one of its `members` tells of.

        `members` are some of its processes; `host` is the inode of the host's own namespace.
        `awake`: namespaces of whoever may have run since the last call; None where nobody tells.
        """
        self._turn += 1
        traffic: dict[int, Traffic] = {}
        readings: dict[int, _Reading] = {}
        for ino, pids in members.items():
            before = self._last.get(ino)
            if before is not None and awake is not None and self._rests(ino, before, awake):
                readings[ino], traffic[ino] = before, self._traffic[ino]
                continue
            reading = self._read(ino, pids, is_host=ino == host)
            if reading is not None:
                readings[ino] = reading
                traffic[ino] = _compare(before, reading)
        self._last, self._traffic = readings, traffic
        self._outward = {ino: known for ino, known in self._outward.items() if ino in readings}
        return traffic

    def _rests(self, ino: int, before: _Reading, awake: Collection[int]) -> bool:
        rates = self._traffic[ino].rx_rate, self._traffic[ino].tx_rate
        due = (self._turn + ino) % _LOOKED_AT_ANYWAY == 0
        return not (before.carried or due or ino in awake) and rates == (0, 0)

    def _read(self, ino: int, pids: Iterable[int], *, is_host: bool) -> _Reading | None:
        for pid in pids:
            try:
                carried = read_net_dev(self._procfs, pid)
            except OSError:  # hidepid
                continue
            if carried is not None:
                names = self._names_that_lead_out(ino, pid, carried, is_host=is_host)
                return _Reading(time.monotonic(), {name: carried[name] for name in names})
        return None

    def _names_that_lead_out(
        self, ino: int, pid: int, carried: Mapping[str, Carried], *, is_host: bool
    ) -> frozenset[str]:
        names = frozenset(carried)
        if len(names - {_LOOPBACK}) < 2:  # nearly always: nothing to choose from
            return names - {_LOOPBACK}
        known = self._outward.get(ino)
        same = known is not None and known.names == names
        if known is None or not (same and known.settled):
            outward = self._ask(ino, pid, is_host=is_host) & names
            known = _Outward(names, outward or names - {_LOOPBACK}, same)
            self._outward[ino] = known
        return known.outward

    def _ask(self, ino: int, pid: int, *, is_host: bool) -> frozenset[str]:
        try:
            links = call_inside(ino, [self._procfs.path(pid, "ns/net")], _read_links)
        except OSError:  # it takes rights to ask: then everything counts
            return frozenset()
        return leading_out(links or (), is_host=is_host)


def _read_links() -> tuple[Link, ...]:
    with Netlink() as netlink:
        return read_links(netlink)


def leading_out(links: Iterable[Link], *, is_host: bool) -> frozenset[str]:
    """Names of the interfaces whose bytes are traffic of this namespace with the world outside.

    The others carry the same bytes once more (a bridge and its ports, a bond, a tunnel), or none
    that leave. On the host that is the hardware; elsewhere also what has its other end in another
    namespace and is no port of a bridge here.
    """
    hardware = {one.name for one in links if one.kind is None and not one.loopback}
    away = {one.name for one in links if one.link_netnsid is not None and one.master is None}
    return frozenset(hardware or away if is_host else hardware | away)


def _compare(before: _Reading | None, now: _Reading) -> Traffic:
    rx_bytes = sum(one.rx_bytes for one in now.carried.values())
    tx_bytes = sum(one.tx_bytes for one in now.carried.values())
    if before is None or now.moment <= before.moment:
        return Traffic(rx_bytes=rx_bytes, tx_bytes=tx_bytes)
    rx = tx = 0
    for name, one in now.carried.items():
        # An interface that was not there counts from now on; counters that went back are another's.
        if (last := before.carried.get(name)) is not None:
            rx += max(0, one.rx_bytes - last.rx_bytes)
            tx += max(0, one.tx_bytes - last.tx_bytes)
    seconds = now.moment - before.moment
    return Traffic(rx_bytes=rx_bytes, tx_bytes=tx_bytes, rx_rate=rx / seconds, tx_rate=tx / seconds)
