"""Whom a name means is found by a child that began to look before anybody asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.command import nsview
from support.processes import children, read_line, sandbox, wait_until, watched
from support.requirements import need_programs

from nsview.cli import ahead
from nsview.enter.lookout import Lookout
from nsview.host.host import Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="joins namespaces")

_WAITER = """
import time
from nsview.enter.lookout import Lookout
with Lookout() as lookout:
    print("ready", flush=True)
    time.sleep(1000)
"""


@pytest.fixture(scope="module")
def ref() -> Iterator[tuple[str, int]]:
    with sandbox("--pid", "--net", "--uts") as pid:
        yield Host().snapshot().membership[pid], pid


def test_it_finds_what_a_look_finds(ref: tuple[str, int]) -> None:
    name, pid = ref
    with Lookout() as lookout:
        found = lookout.find(name)
    assert found == (name, *Host().snapshot().tasks[pid].identity)


@pytest.mark.parametrize("reference", ["no-such-container", "host", "", "\udcff", "x" * 200_000])
def test_the_rest_is_left_to_who_asks(reference: str) -> None:
    with Lookout() as lookout:
        assert lookout.find(reference) is None


def test_nothing_stays_of_it() -> None:
    before = set(os.listdir("/proc/self/fd")), children(os.getpid())
    with Lookout():
        assert children(os.getpid()) != before[1]
    assert (set(os.listdir("/proc/self/fd")), children(os.getpid())) == before


def test_one_whose_parent_is_killed_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", _WAITER], stdout=subprocess.PIPE) as waiter:
        assert read_line(waiter) == "ready"
        with watched(children(waiter.pid)) as ended:
            waiter.send_signal(signal.SIGKILL)
            wait_until(ended)


@pytest.mark.parametrize(
    ("line", "looking", "started"),
    [
        ("enter web", 1, 1),
        ("enter --user root web -- ls", 1, 1),
        ("enter 4711", 0, 1),
        ("enter pid:4711 --net", 0, 1),
        ("enter --help", 0, 0),
        ("run --rootfs 1", 0, 1),
        ("ls", 0, 0),
    ],
)
def test_only_those_who_name_a_container_have_one(line: str, looking: int, started: int) -> None:
    try:
        ahead.start(line.split())
        assert (len(ahead._looking), len(ahead._started)) == (looking, started)
    finally:
        ahead.end()


def test_entering_by_name_asks_it_and_looks_no_second_time(ref: tuple[str, int]) -> None:
    need_programs("strace")
    trace = ("strace", "-f", "-qq", "-e", "trace=openat", "-e", "signal=none")
    done = nsview("enter", ref[0], "--", "true", launcher=trace)
    assert done.status == 0, done.err
    # Whoever looks loads what that takes.
    loads = [line for line in done.err.splitlines() if "/host/__pycache__/host.cpython" in line]
    assert len(loads) == 1
    assert loads[0].startswith("[pid ")
