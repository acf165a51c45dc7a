"""What the network costs: ``sudo python tests/bench/wiring.py [NAMESPACES] [SOCKETS]``.

So many network namespaces, each with a cable to a bridge that is in one of them, not on the host,
and so many connections in one of them.
"""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.networks import inside, ip
from support.processes import read_line, started, wait_until
from support.run import Run

from nsview.host.host import Host
from nsview.host.traffic import TrafficMeter
from nsview.host.wiring import read_wiring

_ROUNDS = 5

CONNECTIONS = """
import socket, sys
server = socket.create_server(("127.0.0.1", 8000), backlog=4096)
held = []
for _ in range(int(sys.argv[1]) // 2):
    held += [socket.create_connection(("127.0.0.1", 8000)), server.accept()[0]]
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def spokes(count: int) -> Iterator[list[int]]:
    """PIDs in so many network namespaces; the first one has a bridge with cables to the others."""
    with Run() as run:
        sleep = ("busybox", "sleep", "100000")
        pids = [run.start("unshare", "--net", *sleep, log="spokes.log").pid for _ in range(count)]
        own = os.stat("/proc/self/ns/net").st_ino
        for pid in pids:
            wait_until(lambda pid=pid: os.stat(f"/proc/{pid}/ns/net").st_ino != own)  # type: ignore[misc]
        hub, *others = pids
        ip(hub, "link add hub type bridge")
        script = run.directory / "cables"
        script.write_text(
            "".join(
                f"link add port{pid} type veth peer name eth0 netns {pid}\n"
                f"link set port{pid} master hub\n"
                for pid in others
            )
        )
        inside(hub, "ip", "-batch", str(script))
        yield pids


def milliseconds(what: Callable[[], object]) -> tuple[float, float]:
    """Median of the clock and of the processor's time, in this thread and those that it starts."""
    walls, computed = [], []
    for _ in range(_ROUNDS):
        began, used = time.perf_counter(), time.process_time()
        what()
        walls.append(time.perf_counter() - began)
        computed.append(time.process_time() - used)
    return statistics.median(walls) * 1000, statistics.median(computed) * 1000


def report(what: str, figures: tuple[float, float]) -> None:
    """One line."""
    print(f"{what:<52} {figures[0]:>8.1f} ms {figures[1]:>8.1f} ms of a processor", flush=True)


def look_at_sockets(host: Host, pid: int, count: int) -> None:
    """At those of one namespace among many."""
    ip(pid, "link set lo up")
    enter = ("nsenter", "--target", str(pid), "--net", "--")
    with started(*enter, sys.executable, "-c", CONNECTIONS, str(count)) as process:
        assert read_line(process) == "ready"
        snapshot = host.snapshot()
        one = {os.stat(f"/proc/{pid}/ns/net").st_ino}

        def look(connected: bool) -> tuple[float, float]:
            return milliseconds(
                lambda: read_wiring(host.procfs, snapshot, closely=one, connected=connected)
            )

        report(f"one of them with {count} sockets, connected ones too", look(True))
        report("the same, those that listen alone", look(False))


def main() -> None:
    """Measure."""
    namespaces, sockets = (int(word) for word in (*sys.argv[1:], 500, 10_000)[:2])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    host = Host()
    with spokes(namespaces) as pids:
        snapshot = host.snapshot()
        members = {os.stat(f"/proc/{pid}/ns/net").st_ino: [pid] for pid in pids}
        meter = TrafficMeter(host.procfs)
        look = milliseconds(lambda: meter.read_traffic(members, 0))
        report(f"traffic of {namespaces} namespaces", look)
        look = milliseconds(lambda: read_wiring(host.procfs, snapshot))
        report(f"wiring of {namespaces} namespaces", look)
        look_at_sockets(host, pids[1], sockets)


if __name__ == "__main__":
    main()
