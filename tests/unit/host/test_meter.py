"""Readings of trees that look like control groups: rates, limits from above, what is missing."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_up import container, task

from nsview.host.cgroup_gauge import CgroupGauge, Limits, LimitsOfGroups, least, sum_of
from nsview.host.machine import MachineGauge
from nsview.host.meter import Meter
from nsview.host.process_gauge import ProcessGauge
from nsview.host.resources import Resources, rate, share
from nsview.kernel.cgroup_files import read_file
from nsview.kernel.cgroup_io import IoCounters
from nsview.kernel.cgroup_memory import MemoryLimits
from nsview.kernel.cgroupfs import Cgroupfs, Hierarchy
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import CgroupPath

UNLIMITED = Limits(None, MemoryLimits(), None)
V2 = {
    "cpu.stat": "usage_usec 1000000\nnr_periods 10\nnr_throttled 5\nthrottled_usec 7\n",
    "memory.stat": "anon 100\nfile 50\nkernel 10\ninactive_file 40\n",
    "memory.current": "160\n",
    "memory.events": "high 1\nmax 2\noom 3\noom_kill 4\n",
    "io.stat": "8:0 rbytes=100 wbytes=200 rios=1 wios=1 dbytes=0 dios=0\n",
    "pids.current": "3\n",
    "cpu.pressure": "some avg10=1.00 avg60=0.00 avg300=0.00 total=5\n",
}


class Tree:
    """A v2 hierarchy in a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        hierarchy = Hierarchy(version=2, options=frozenset(), root="/", target=str(root))
        self.cgroupfs = Cgroupfs((hierarchy,))

    def group(self, path: str, files: dict[str, str]) -> None:
        directory = self.root / path.lstrip("/")
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text)

    def gauge(self, path: str) -> CgroupGauge:
        return CgroupGauge(self.cgroupfs, [CgroupPath(0, "", path)])


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_first_reading_has_no_rates(tree: Tree) -> None:
    tree.group("/web", V2)
    found = tree.gauge("/web").read(read_file, UNLIMITED)

    assert found.cpu
    assert found.memory
    assert found.io
    assert found.pids
    assert (found.cpu.usage, found.cpu.percent, found.cpu.throttled) == (1.0, None, None)
    assert (found.memory.used, found.memory.working_set, found.memory.anon) == (160, 120, 100)
    assert found.memory.events.oom_kill == 4
    assert (found.io.written_bytes, found.io.write) == (200, None)
    assert found.pids.current == 3
    assert found.pressure["cpu"].some.avg10 == 1.0


def test_second_reading_has_rates_and_a_counter_that_begins_anew_has_none(tree: Tree) -> None:
    tree.group("/web", V2)
    gauge = tree.gauge("/web")
    gauge.read(read_file, UNLIMITED)
    stat = "usage_usec 1500000\nnr_periods 20\nnr_throttled 8\nthrottled_usec 9\n"
    tree.group("/web", {"cpu.stat": stat, "io.stat": "8:0 rbytes=100 wbytes=700\n"})
    found = gauge.read(read_file, UNLIMITED)

    assert found.cpu
    assert found.cpu.percent is not None
    assert found.cpu.percent > 0
    assert found.cpu.throttled == 30.0
    assert found.io
    assert found.io.read == 0.0
    assert found.io.write
    assert found.io.write > 0
    tree.group("/web", V2)
    again = gauge.read(read_file, UNLIMITED)
    assert again.cpu
    assert again.io
    assert (again.cpu.percent, again.cpu.throttled, again.io.write) == (None, None, None)


def test_group_that_rests_is_asked_for_little(tree: Tree) -> None:
    tree.group("/web", V2)
    gauge = tree.gauge("/web")
    first = gauge.read(read_file, UNLIMITED)
    tree.group("/web", {"memory.current": "999\n", "pids.current": "9\n", "io.stat": ""})
    rested = [gauge.read(read_file, UNLIMITED) for _ in range(7)]

    assert all(one.memory is first.memory and one.pids is first.pids for one in rested)
    assert all(one.io and one.io.written_bytes == 0 for one in rested)
    last = gauge.read(read_file, UNLIMITED)
    assert last.memory is not None
    assert last.memory.used == 999
    tree.group("/web", {"memory.current": "1000\n", "cpu.stat": "usage_usec 1000001\n"})
    busy = gauge.read(read_file, UNLIMITED)
    assert busy.memory is not None
    assert busy.memory.used == 1000


def test_group_that_is_gone_is_nothing(tree: Tree) -> None:
    tree.group("/web", V2)
    gauge = tree.gauge("/web")
    gauge.read(read_file, UNLIMITED)
    shutil.rmtree(tree.root / "web")
    found = gauge.read(read_file, UNLIMITED)

    assert (found.cpu, found.memory, found.io, found.pids, found.pressure) == (*[None] * 4, {})


@pytest.mark.parametrize("missing", sorted(V2))
def test_each_file_may_be_missing(tree: Tree, missing: str) -> None:
    tree.group("/web", {name: text for name, text in V2.items() if name != missing})

    tree.gauge("/web").read(read_file, UNLIMITED)


def test_the_strictest_limit_from_above_counts(tree: Tree) -> None:
    tree.group("/pods", {"memory.max": "1000\n", "cpu.max": "max 100000\n", "pids.max": "10\n"})
    tree.group("/pods/a", {"memory.max": "2000\n", "cpu.max": "50000 100000\n"})
    tree.group("/pods/a/web", {"memory.max": "max\n", "memory.high": "500\n", "pids.max": "max\n"})
    limits = tree.gauge("/pods/a/web").read_limits(LimitsOfGroups())

    assert limits == Limits(0.5, MemoryLimits(max=1000, high=500), 10)


def test_groups_above_are_read_once(tree: Tree) -> None:
    tree.group("/pods", {"pids.max": "10\n"})
    for name in "ab":
        tree.group(f"/pods/{name}", {})
    remembered = LimitsOfGroups()
    assert tree.gauge("/pods/a").read_limits(remembered).pids == 10
    tree.group("/pods", {"pids.max": "20\n"})

    assert tree.gauge("/pods/b").read_limits(remembered).pids == 10
    assert tree.gauge("/pods/b").read_limits(LimitsOfGroups()).pids == 20


def test_meter_follows_containers_that_come_go_and_come_back(tree: Tree, tmp_path: Path) -> None:
    procfs = Procfs(str(tmp_path / "no-proc"))
    meter = Meter(procfs, tree.cgroupfs, fresh=0.0)
    web, tasks = container("unshare/10", 10), {10: task(10, "/web")}
    tree.group("/web", V2)

    def read() -> object:
        return meter.read(tasks, {10: web.ref}, [web])[web.ref].cpu

    assert read() is not None
    shutil.rmtree(tree.root / "web")
    assert meter.read({}, {}, []) == {}
    tree.group("/web", V2)
    assert read() is not None
    assert read() is not None


def test_who_rests_gives_the_very_same_figures(tree: Tree, tmp_path: Path) -> None:
    meter = Meter(Procfs(str(tmp_path / "no-proc")), tree.cgroupfs, fresh=0.0)
    web, tasks = container("unshare/10", 10), {10: task(10, "/web")}
    tree.group("/web", V2)

    def read() -> Resources:
        return meter.read(tasks, {10: web.ref}, [web])[web.ref]

    first, second, third = read(), read(), read()
    assert second != first  # it has rates
    assert third is second
    tree.group("/web", {"cpu.pressure": "some avg10=0.50 avg60=0.00 avg300=0.00 total=5\n"})
    assert read().pressure["cpu"].some.avg10 == 0.5


def test_asked_at_once_it_reads_only_what_is_new(tree: Tree, tmp_path: Path) -> None:
    meter = Meter(Procfs(str(tmp_path / "no-proc")), tree.cgroupfs, fresh=3600.0)
    web, db = container("unshare/10", 10), container("unshare/11", 11)
    tasks = {10: task(10, "/web"), 11: task(11, "/db")}
    tree.group("/web", V2)
    first = meter.read(tasks, {10: web.ref}, [web])
    tree.group("/web", {"pids.current": "9\n"})
    tree.group("/db", V2)
    second = meter.read(tasks, {10: web.ref, 11: db.ref}, [web, db])

    assert second[web.ref] is first[web.ref]
    assert second[db.ref].pids is not None


def test_container_without_a_group_is_the_sum_of_its_processes(tmp_path: Path) -> None:
    one = container("unshare/10", 10, 11)
    tasks = {10: task(10, "/"), 11: task(11, "/")}

    def process(pid: int, ticks: int, resident: int) -> None:
        directory = tmp_path / str(pid)
        directory.mkdir(exist_ok=True)
        fields = ["0"] * 40
        fields[0], fields[11], fields[19] = "S", str(ticks), str(pid)
        (directory / "stat").write_text(f"{pid} (x) {' '.join(fields)}\n")
        (directory / "statm").write_text(f"99 {resident} 1 0 0 0 0\n")
        (directory / "io").write_text(f"read_bytes: {ticks}\nwrite_bytes: 0\n")

    meter = Meter(Procfs(str(tmp_path)), Cgroupfs(()), fresh=0.0)
    process(10, 100, 11)
    process(11, 50, 21)
    first = meter.read(tasks, dict.fromkeys(tasks, one.ref), [one])[one.ref]
    assert first.counted == "processes"
    assert first.cpu
    assert first.memory
    assert first.io
    assert first.pids
    assert (first.cpu.percent, first.io.read_bytes, first.pids.current) == (None, 150, 2)
    assert first.memory.anon % 30 == 0
    shutil.rmtree(tmp_path / "11")  # what it has used stays used
    process(10, 130, 11)
    second = meter.read(tasks, dict.fromkeys(tasks, one.ref), [one])[one.ref]

    assert second.cpu
    assert second.io
    assert second.cpu.usage == pytest.approx(first.cpu.usage * 180 / 150)
    assert second.io.read_bytes == 180
    assert second.cpu.percent is not None
    assert second.cpu.percent > 0


@given(st.floats(0, 1e18), st.none() | st.floats(0, 1e18), st.floats(-1, 1e6))
def test_a_rate_is_never_negative(now: float, before: float | None, seconds: float) -> None:
    found = rate(now, before, seconds)
    assert found is None or found >= 0


@given(*[st.integers(0, 2**63)] * 4)
def test_a_share_is_a_percentage(a: int, b: int, c: int, d: int) -> None:
    found = share(a, b, c, d)
    assert found is None or 0 <= found <= 100


@given(st.lists(st.none() | st.integers(0, 2**62)))
def test_the_least_limit(values: list[int | None]) -> None:
    assert least(values) == min((one for one in values if one is not None), default=None)


def test_what_a_stacked_device_passes_on_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from nsview.host import cgroup_gauge

    monkeypatch.setattr(
        cgroup_gauge, "devices_below", {"253:0": {"8:0"}, "8:0": (), "8:16": ()}.__getitem__
    )
    devices = {"253:0": IoCounters(5, 5), "8:0": IoCounters(6, 6), "8:16": IoCounters(1, 1)}

    assert sum_of(devices) == IoCounters(7, 7)
    assert sum_of({"253:0": IoCounters(5, 5)}) == IoCounters(5, 5)


def test_who_has_not_run_is_not_read_again(tmp_path: Path) -> None:
    place = tmp_path / "proc" / "7"
    place.mkdir(parents=True)
    fields = ["0"] * 11 + ["150", "50"] + ["0"] * 6 + ["70"] + ["0"] * 30
    (place / "stat").write_text(f"7 (one) S {' '.join(fields[1:])}\n")
    (place / "statm").write_text("9 5 2 0 0 0 0\n")
    (place / "io").write_text("read_bytes: 10\nwrite_bytes: 20\ncancelled_write_bytes: 0\n")
    gauge = ProcessGauge(Procfs(str(tmp_path / "proc")))
    one = task(7)._replace(start_time=70)
    first = gauge.read([one])
    assert first.cpu is not None
    assert first.cpu.usage == 2.0

    shutil.rmtree(place)
    again = gauge.read([one], ran=())
    assert again.cpu is not None
    assert (again.cpu.usage, again.cpu.percent) == (2.0, 0.0)
    assert again.memory == first.memory
    rested = gauge.rest(again)
    assert (rested.cpu, rested.memory, rested.io) == (again.cpu, again.memory, again.io)
    assert gauge.rest(rested) is rested
    for running in (one._replace(state="R"), one._replace(threads=2), one):
        assert gauge.read([running], ran={7} if running is one else ()).memory != first.memory


def test_only_containers_of_those_that_ran_are_read(tmp_path: Path) -> None:
    web, db = container("unshare/10", 10), container("unshare/11", 11)
    tasks = {10: task(10, "/"), 11: task(11, "/")}
    membership = {10: web.ref, 11: db.ref}

    def process(pid: int, ticks: int) -> None:
        (tmp_path / str(pid)).mkdir(exist_ok=True)
        fields = ["S", *["0"] * 10, str(ticks), "0", *["0"] * 6, str(pid), *["0"] * 20]
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (x) {' '.join(fields)}\n")
        (tmp_path / str(pid) / "statm").write_text("99 9 1 0 0 0 0\n")
        (tmp_path / str(pid) / "io").write_text("read_bytes: 0\nwrite_bytes: 0\n")

    meter = Meter(Procfs(str(tmp_path)), Cgroupfs(()), fresh=0.0)

    def read(ran: set[int]) -> dict[str, Resources]:
        process(10, next(ticks))
        process(11, next(ticks))
        return meter.read(tasks, membership, [web, db], ran)

    ticks = itertools.count(100, 10)
    read(set())
    first, second = read(set()), read({11})
    assert second[web.ref] is first[web.ref]
    assert second[db.ref].cpu != first[db.ref].cpu
    other = web._replace(members=(10, 12))  # somebody has joined it
    tasks[12] = task(12, "/")
    process(12, 1000)
    assert meter.read(tasks, {**membership, 12: web.ref}, [other, db], set())[web.ref].cpu != (
        second[web.ref].cpu
    )


def test_tasks_of_the_machine_are_counted_by_the_kernel_if_it_tells(tmp_path: Path) -> None:
    tasks = {10: task(10, "/"), 11: task(11, "/")._replace(threads=3)}
    gauge = MachineGauge(Procfs(str(tmp_path)))
    told = []
    for text in ("", "0.20 0.18 0.12 1/80 11206\n"):
        (tmp_path / "loadavg").write_text(text)
        pids = gauge.complete(Resources(), tasks).pids
        told.append(pids.current if pids else None)
    assert told == [4, 80]
