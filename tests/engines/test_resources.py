"""What containers use, against the engines' own figures and against loads that are known.

Counters are compared with readings before and after: what another one says in between must lie in
between, however loaded the machine is. The layout of control groups is the host's own: v1 or v2.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.engines.base import Started
from support.engines.docker import Docker
from support.engines.podman import Podman
from support.processes import wait_until

from nsview.host.alerts import find_alerts
from nsview.host.host import Host
from nsview.host.meter import Meter
from nsview.host.resources import Resources
from nsview.kernel.cgroupfs import read_cgroupfs

MIB = 1 << 20
PATIENCE = 90.0
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": MIB, "GiB": 2**30}

BUSY = ("/bin/sh", "-c", "while :; do :; done")
#: The last of these megabytes stay in memory as long as the input has no end.
HOLD = "{ busybox dd if=/dev/zero bs=1M count=%d; exec busybox sleep 100000; } | busybox tail -c %d"
#: Who writes stays: what a process has done is known as long as it runs.
WRITE = "{ busybox dd if=/dev/zero bs=1M count=50; exec busybox sleep 9999; } | busybox dd of=/big"


class Readings:
    """Reads the host's containers as often as it is asked to."""

    def __init__(self) -> None:
        self._host = Host()
        self._meter = Meter(self._host.procfs, read_cgroupfs(), fresh=0.0)

    def of(self, container: Started) -> Resources:
        """What a container uses now."""
        now = self._host.snapshot()
        ref = next(one.ref for one in now.containers if one.id == container.id)
        return self._meter.read(now.tasks, now.membership, now.containers)[ref]


@pytest.fixture
def readings() -> Readings:
    return Readings()


def docker_stats(docker: Docker, container: Started) -> Any:
    """What `docker stats` computes its figures from, as dockerd has it now."""
    connection = http.client.HTTPConnection("docker")
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.connect(str(docker.directory / "docker.sock"))
        connection.request("GET", f"/containers/{container.id}/stats?stream=false")
        return json.load(connection.getresponse())
    finally:
        connection.close()


def size(text: str) -> float:
    """``1.5MiB`` in bytes."""
    found = re.fullmatch(r"([0-9.]+)\s*([A-Za-z]+)", text.strip())
    assert found, text
    return float(found[1]) * _UNITS[found[2]]


@pytest.fixture
def busy(docker: Docker) -> Iterator[Started]:
    """A loop that may use 30 % of a processor, in 256 MB."""
    one = docker.start("--cpus=0.3", "--memory=256m", "--pids-limit=64", command=BUSY)
    yield one
    docker.remove(one)


def test_docker_says_the_same(docker: Docker, busy: Started, readings: Readings) -> None:
    before = readings.of(busy)
    theirs = docker_stats(docker, busy)
    after = readings.of(busy)

    assert before.counted == "cgroup"
    assert before.cpu is not None
    assert after.cpu is not None
    used = theirs["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    assert before.cpu.usage <= used + 1e-3  # v2 counts in microseconds
    assert used <= after.cpu.usage + 1e-3
    throttling = theirs["cpu_stats"]["throttling_data"]
    assert before.cpu.periods <= throttling["periods"] <= after.cpu.periods
    throttled = throttling["throttled_periods"]
    assert before.cpu.throttled_periods <= throttled <= after.cpu.throttled_periods
    assert before.cpu.limit == pytest.approx(30.0)

    assert before.memory is not None
    assert before.memory.limit == theirs["memory_stats"]["limit"] == 256 * MIB
    stat = theirs["memory_stats"]["stats"]
    inactive = stat.get("total_inactive_file", stat.get("inactive_file"))
    working_set = theirs["memory_stats"]["usage"] - inactive
    assert before.memory.working_set == pytest.approx(working_set, rel=0.1, abs=MIB)

    assert before.pids is not None
    assert before.pids.current == theirs["pids_stats"]["current"] == 1
    assert before.pids.limit == 64


def test_docker_stats_prints_the_same(docker: Docker, busy: Started, readings: Readings) -> None:
    text = docker.docker("stats", "--no-stream", "--format", "{{json .}}", busy.id)
    theirs, ours = json.loads(text), readings.of(busy)

    assert ours.memory is not None
    assert ours.memory.limit is not None
    used, limit = map(size, theirs["MemUsage"].split("/"))
    assert ours.memory.working_set == pytest.approx(used, rel=0.1, abs=MIB)
    assert ours.memory.limit == pytest.approx(limit, rel=0.01)
    assert ours.pids is not None
    assert ours.pids.current == int(theirs["PIDs"])
    if ours.io is not None and ours.io.counted == "cgroup":
        read, written = map(size, theirs["BlockIO"].split("/"))
        assert ours.io.read_bytes == pytest.approx(read, rel=0.05, abs=MIB)
        assert ours.io.written_bytes == pytest.approx(written, rel=0.05, abs=MIB)


def test_a_quota_bounds_what_is_shown(busy: Started, readings: Readings) -> None:
    started, before, began = time.monotonic(), readings.of(busy), time.monotonic()
    time.sleep(2.0)  # an interval as people have it; how long it really took is measured
    ending, after, ended = time.monotonic(), readings.of(busy), time.monotonic()

    assert before.cpu is not None
    assert after.cpu is not None
    assert after.cpu.percent is not None
    # A quota is refilled each 100 ms: at both ends of the interval one more may have been used up.
    most = 0.3 * (ended - started) + 2 * 0.03 + 0.01
    used = after.cpu.usage - before.cpu.usage
    assert 0 < used <= most
    # The moment of a reading is somewhere within it, and that takes what others leave to us.
    assert 100 * used / (ended - started) - 1 <= after.cpu.percent
    assert after.cpu.percent <= 100 * used / (ending - began) + 1


def test_what_is_throttled_says_so(docker: Docker, readings: Readings) -> None:
    # So little that it is used up even when many others want the processors, too.
    one = docker.start("--cpus=0.02", command=BUSY)
    first = readings.of(one)

    def throttled() -> bool:
        now = readings.of(one)
        return "throttled" in [alert.kind for alert in find_alerts(now)]

    wait_until(throttled, timeout=PATIENCE)

    def seconds() -> float:
        cpu = readings.of(one).cpu
        return cpu.throttled_seconds if cpu else 0.0

    assert first.cpu is not None
    before = first.cpu.throttled_seconds
    wait_until(lambda: seconds() > before, timeout=PATIENCE)  # known when it may run again
    docker.remove(one)


def test_an_allocation_is_anonymous_memory(docker: Docker, readings: Readings) -> None:
    script = HOLD % (100, 100 * MIB)
    one = docker.start("--memory=200m", command=("/bin/sh", "-c", script))

    def anon() -> int:
        memory = readings.of(one).memory
        return memory.anon if memory else 0

    wait_until(lambda: anon() >= 100 * MIB, timeout=PATIENCE)
    memory = readings.of(one).memory
    assert memory is not None
    assert 100 * MIB <= memory.anon <= 112 * MIB
    assert memory.anon <= memory.working_set <= memory.used <= 125 * MIB
    assert memory.limit == 200 * MIB
    docker.remove(one)


def test_a_write_is_counted(docker: Docker, readings: Readings) -> None:
    if os.major(os.stat(docker.directory).st_dev) == 0:
        pytest.skip("docker's files are on no block device: tmpfs, btrfs")
    one = docker.start(command=("/bin/sh", "-c", WRITE))

    def written() -> int:
        os.sync()  # v2 counts what reaches the device
        io = readings.of(one).io
        return io.written_bytes if io else 0

    wait_until(lambda: written() >= 50 * MIB, timeout=PATIENCE)
    assert written() <= 60 * MIB
    docker.remove(one)


def test_a_kill_for_want_of_memory_is_an_alert(docker: Docker, readings: Readings) -> None:
    # The shell stays, and shows that the container has outlived what was killed in it.
    script = f"busybox dd if=/dev/zero bs=1M count=100 | busybox tail -c {100 * MIB}; " + (
        "exec busybox sleep 100000"
    )
    one = docker.start("--memory=32m", "--memory-swap=32m", command=("/bin/sh", "-c", script))

    def kills() -> int:
        memory = readings.of(one).memory
        return memory.events.oom_kill if memory else 0

    wait_until(kills, timeout=PATIENCE)
    now = readings.of(one)
    assert now.memory is not None
    assert now.memory.limit == 32 * MIB
    assert "oom" in [alert.kind for alert in find_alerts(now)]
    docker.remove(one)


def test_podman_says_the_same(podman: Podman, readings: Readings) -> None:
    one = podman.start("--memory=64m", "--cpus=0.5", "--pids-limit=32", command=BUSY)
    before = readings.of(one)
    (theirs,) = json.loads(podman.podman("stats", "--no-stream", "--format", "json", one.id))
    after = readings.of(one)

    assert before.counted == "cgroup"
    assert before.memory is not None
    assert before.memory.limit == 64 * MIB
    assert before.cpu is not None
    assert after.cpu is not None
    assert before.cpu.limit == pytest.approx(50.0)
    assert before.cpu.usage < after.cpu.usage
    assert before.pids is not None
    assert before.pids.limit == 32
    assert before.pids.current == int(theirs["pids"])
    podman.remove(one)
