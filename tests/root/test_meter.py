"""Real control groups of this host, whichever its layout: figures, and groups that come and go."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import sandbox, started, wait_until

from nsview.host.cgroup_gauge import CgroupGauge, LimitsOfGroups
from nsview.host.host import Host
from nsview.host.resources import Resources
from nsview.kernel.cgroup import parse_cgroup
from nsview.kernel.cgroup_files import KeptFiles
from nsview.kernel.cgroupfs import read_cgroupfs
from nsview.kernel.stat import parse_stat

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes control groups")

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_CONTROLLERS = ("cpu", "memory", "pids")


@contextlib.contextmanager
def groups(name: str) -> Iterator[list[Path]]:
    """A group of that name in every hierarchy that has room for one."""
    made: list[Path] = []
    try:
        for hierarchy in read_cgroupfs().hierarchies:
            if hierarchy.version == 1 and "cpuset" in hierarchy.options:
                continue  # a new one has no processors, and nobody can join it
            if hierarchy.version == 2:
                for controller in _CONTROLLERS:
                    with contextlib.suppress(OSError):
                        Path(hierarchy.target, "cgroup.subtree_control").write_text(
                            f"+{controller}"
                        )
            made.append(Path(hierarchy.target, name))
            made[-1].mkdir()
        yield made
    finally:
        for path in made:
            if path.exists():
                wait_until(lambda path=path: not (path / "cgroup.procs").read_text())  # type: ignore[misc]
                path.rmdir()


class Gauge:
    """Reads the groups that a process is in."""

    def __init__(self, pid: int) -> None:
        cgroups = parse_cgroup(Path(f"/proc/{pid}/cgroup").read_bytes())
        self.gauge = CgroupGauge(read_cgroupfs(), cgroups)
        self.files = KeptFiles()

    def read(self) -> Resources:
        return self.gauge.read(self.files.read, self.gauge.read_limits(LimitsOfGroups()))


def processor_seconds(pid: int) -> float:
    stat = parse_stat(Path(f"/proc/{pid}/stat").read_bytes())
    return (stat.utime + stat.stime) * _TICK


def test_a_group_counts_what_its_process_does_until_both_are_gone() -> None:
    name = f"nsview-test-meter-{os.getpid()}"
    with groups(name) as paths:
        with started("sh", "-c", "read go; while :; do :; done") as busy:
            for path in paths:
                (path / "cgroup.procs").write_text(str(busy.pid))
            gauge = Gauge(busy.pid)
            first = gauge.read()
            if first.cpu is None or first.memory is None or first.pids is None:
                pytest.skip("the controllers are not there for us")
            used = processor_seconds(busy.pid)
            assert busy.stdin is not None
            busy.stdin.write(b"go\n")
            busy.stdin.flush()
            wait_until(lambda: processor_seconds(busy.pid) > used + 0.2)
            between = processor_seconds(busy.pid)
            last = gauge.read()
            assert last.cpu is not None
            assert last.cpu.percent is not None
            assert last.cpu.percent > 0
            grown = last.cpu.usage - first.cpu.usage
            assert between - used - 2 * _TICK <= grown
            assert grown <= processor_seconds(busy.pid) - used + 2 * _TICK
            assert last.pids is not None
            assert last.pids.current == 1
            assert last.memory is not None
            assert last.memory.working_set <= last.memory.used
        for path in paths:
            wait_until(lambda path=path: not (path / "cgroup.procs").read_text())  # type: ignore[misc]
            path.rmdir()
        gone = gauge.read()
        assert (gone.cpu, gone.memory, gone.pids, gone.io) == (None, None, None, None)
        for path in paths:
            path.mkdir()
        again = gauge.read()
        assert again.cpu is not None
        assert again.cpu.usage < first.cpu.usage + grown
        gauge.files.close()


def test_host_is_the_whole_machine_and_a_sandbox_without_a_group_a_sum() -> None:
    host = Host()
    with sandbox("--mount-proc", "--pid", "--net") as pid:
        host.snapshot(resources=True)
        snapshot = host.snapshot(resources=True)
        machine, box = snapshot.resources["host"], snapshot.resources[f"unshare/{pid}"]

    assert machine.counted == "machine"
    assert machine.memory is not None
    assert machine.memory.limit == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert machine.pids is not None
    assert machine.pids.current >= len(snapshot.tasks)
    assert box.counted == "processes"
    assert box.pids is not None
    assert box.pids.current >= 1
