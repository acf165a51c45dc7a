"""The text exposition of a host that nobody has, as a strict parser reads it."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tui.fake import HOSTILE_NAMES, host

from nsview.cli.openmetrics import exposition
from nsview.display import display
from nsview.host.model import Snapshot
from nsview.host.resources import Cpu, Io, Memory, Pids, Resources
from nsview.kernel.cgroup_memory import MemoryEvents
from nsview.kernel.pressure import Pressure, Stall

FULL = Resources(
    cpu=Cpu(usage=12.5, limit=150.0, periods=10, throttled_periods=4, throttled_seconds=0.5),
    memory=Memory(
        used=200, working_set=150, anon=100, cache=60, kernel=20, swap=5, limit=1000,
        events=MemoryEvents(max=3, oom_kill=2),
    ),
    io=Io(read_bytes=4096, written_bytes=8192),
    pids=Pids(current=7, limit=64),
    pressure={"cpu": Pressure(Stall(total=2_500_000), None), "io": Pressure(Stall(), Stall())},
)  # fmt: skip


def measured(**more: Resources) -> Snapshot:
    snapshot = host()
    resources = {one.ref: Resources() for one in snapshot.containers if one.pid is not None}
    return snapshot._replace(resources={**resources, **more})


def samples(snapshot: Snapshot) -> dict[tuple[str, str], float]:
    """(name, resource) -> value, of docker/web-1 or of the host."""
    chosen = [one for one in snapshot.containers if one.ref in snapshot.resources]
    families = text_string_to_metric_families(exposition(snapshot, chosen))
    return {
        (sample.name, sample.labels.get("resource", "")): sample.value
        for family in families
        for sample in family.samples
        if sample.labels.get("container", "docker/web-1") == "docker/web-1"
    }


def test_every_figure_has_a_metric_of_its_own() -> None:
    found = samples(measured(**{"docker/web-1": FULL}))
    expected = {
        "cpu_seconds_total": 12.5, "cpu_limit_processors": 1.5, "cpu_periods_total": 10,
        "cpu_throttled_periods_total": 4, "cpu_throttled_seconds_total": 0.5,
        "memory_used_bytes": 200, "memory_working_set_bytes": 150, "memory_anon_bytes": 100,
        "memory_cache_bytes": 60, "memory_kernel_bytes": 20, "memory_swap_bytes": 5,
        "memory_limit_bytes": 1000, "memory_limit_hits_total": 3, "oom_kills_total": 2,
        "io_read_bytes_total": 4096, "io_written_bytes_total": 8192, "tasks": 7,
        "tasks_limit": 64,
    }  # fmt: skip

    assert (
        expected.items()
        <= {
            name.removeprefix("nsview_container_"): value for (name, _), value in found.items()
        }.items()
    )
    waiting = "nsview_container_pressure_waiting_seconds_total"
    assert found[waiting, "cpu"] == 2.5
    assert found[waiting, "io"] == 0.0
    assert ("nsview_container_pressure_stalled_seconds_total", "cpu") not in found


def test_the_host_has_metrics_of_its_own() -> None:
    found = samples(measured(host=FULL))

    assert found["nsview_host_memory_limit_bytes", ""] == 1000
    assert not [name for name, _ in found if name.startswith("nsview_container_memory")]


def test_what_is_not_known_is_left_out() -> None:
    found = {name for name, _ in samples(measured()) if "network" not in name}

    assert found == {"nsview_container_info"}
    assert exposition(measured(), []) == "# EOF\n"


def test_hostile_names_are_labels_and_nothing_else() -> None:
    snapshot = measured()
    chosen = [one for one in snapshot.containers if one.ref in snapshot.resources]
    text = exposition(snapshot, chosen)

    assert text.replace("\n", "").isprintable()
    text.encode()
    (info,) = [one for one in text_string_to_metric_families(text) if one.type == "info"]
    assert {display(name) for name in HOSTILE_NAMES} <= {
        sample.labels["name"] for sample in info.samples
    }
