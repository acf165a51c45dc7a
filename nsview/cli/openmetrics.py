"""Counters in the OpenMetrics text format: for a textfile collector, or behind a scrape wrapper.

https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md. Base units, their
names at the end, ``_total`` behind counters. What the whole machine uses has metrics of its own:
in one metric with the containers it would be counted twice by whoever sums up.
"""

from __future__ import annotations

from nsview.display import display
from nsview.host.model import Container, Snapshot, Traffic
from nsview.host.reference import HOST_REF
from nsview.host.resources import Cpu, Io, Memory, Pids, Resources
from nsview.kernel.pressure import Pressure, Stall
from nsview.named_tuple import NamedTuple
from nsview.typed import Callable, Iterable, Iterator, Literal, Sequence

_MICRO = 1e6
_PERCENT = 100.0

Labels = tuple[tuple[str, str], ...]
Value = int | float
Values = Callable[[Resources, Traffic | None], Iterable[tuple[Labels, Value | None]]]


class _Metric(NamedTuple):
    kind: Literal["counter", "gauge"]
    name: str
    help: str
    values: Values
    """None is left out: what is not known, and what is not limited."""

    @property
    def unit(self) -> str:
        """The last word of the name, where it is one of the format's base units."""
        word = self.name.rpartition("_")[2]
        return word if word in ("seconds", "bytes") else ""


def exposition(snapshot: Snapshot, containers: Sequence[Container]) -> str:
    """All metrics of these containers and, where it is among them, of the host."""
    host = [one for one in containers if one.ref == HOST_REF]
    others = [one for one in containers if one.ref != HOST_REF]
    lines = list(_info(snapshot, others))
    for prefix, chosen in (("nsview_container", others), ("nsview_host", host)):
        for metric in _METRICS:
            samples = [line for one in chosen for line in _samples(snapshot, one, metric)]
            if samples:
                lines += _family(f"{prefix}_{metric.name}", metric, samples)
    return "\n".join((*lines, "# EOF", ""))


# What follows the name: labels and value.
def _samples(snapshot: Snapshot, one: Container, metric: _Metric) -> Iterator[str]:
    own: Labels = () if one.ref == HOST_REF else (("container", one.ref),)
    for labels, value in metric.values(snapshot.resources[one.ref], snapshot.traffic_of(one)):
        if value is not None:
            yield f"{_labels(own + labels)} {value}"


def _family(name: str, metric: _Metric, samples: Iterable[str]) -> Iterator[str]:
    yield f"# TYPE {name} {metric.kind}"
    if metric.unit:
        yield f"# UNIT {name} {metric.unit}"
    yield f"# HELP {name} {metric.help}"
    suffix = "_total" if metric.kind == "counter" else ""
    yield from (f"{name}{suffix}{sample}" for sample in samples)


# What containers are, to be joined to their figures by the label `container`.
def _info(snapshot: Snapshot, containers: Sequence[Container]) -> Iterator[str]:
    if not containers:
        return
    yield "# TYPE nsview_container info"
    yield "# HELP nsview_container What it is, and what its figures count."
    for one in containers:
        pod = one.pod
        known = {
            "container": one.ref,
            "engine": one.engine,
            "name": one.name,
            "id": one.id,
            "image": one.image,
            "pod": pod.name if pod else None,
            "pod_namespace": pod.namespace if pod else None,
            "status": one.status,
            "counted": snapshot.resources[one.ref].counted,
        }
        labels = tuple((key, value) for key, value in known.items() if value)
        yield f"nsview_container_info{_labels(labels)} 1"


# Printable first: what a container calls itself must obey neither a terminal nor this format.
def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    escaped = (
        (name, display(value).replace("\\", r"\\").replace('"', r"\"")) for name, value in labels
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"


def _cpu(get: Callable[[Cpu], Value | None]) -> Values:
    return lambda resources, _: [((), get(resources.cpu))] if resources.cpu else []


def _memory(get: Callable[[Memory], Value | None]) -> Values:
    return lambda resources, _: [((), get(resources.memory))] if resources.memory else []


def _io(get: Callable[[Io], Value]) -> Values:
    return lambda resources, _: [((), get(resources.io))] if resources.io else []


def _pids(get: Callable[[Pids], Value | None]) -> Values:
    return lambda resources, _: [((), get(resources.pids))] if resources.pids else []


def _net(get: Callable[[Traffic], Value]) -> Values:
    return lambda _, traffic: [((), get(traffic))] if traffic else []


def _pressure(get: Callable[[Pressure], Stall | None]) -> Values:
    def values(resources: Resources, _: Traffic | None) -> Iterator[tuple[Labels, Value]]:
        for name, pressure in resources.pressure.items():
            if (stall := get(pressure)) is not None:
                yield (("resource", name),), stall.total / _MICRO

    return values


def _processors(percent: float | None) -> float | None:
    return None if percent is None else percent / _PERCENT


_METRICS = (
    _Metric("counter", "cpu_seconds", "Time on a processor.", _cpu(lambda cpu: cpu.usage)),
    _Metric("gauge", "cpu_limit_processors", "Processors that the strictest quota leaves.",
            _cpu(lambda cpu: _processors(cpu.limit))),
    _Metric("counter", "cpu_periods", "Periods of its quota in which it ran.",
            _cpu(lambda cpu: cpu.periods)),
    _Metric("counter", "cpu_throttled_periods", "Periods in which its quota was used up.",
            _cpu(lambda cpu: cpu.throttled_periods)),
    _Metric("counter", "cpu_throttled_seconds", "Time stopped by its quota, over processors.",
            _cpu(lambda cpu: cpu.throttled_seconds)),
    _Metric("gauge", "memory_used_bytes", "All that is charged to it, cache included.",
            _memory(lambda memory: memory.used)),
    _Metric("gauge", "memory_working_set_bytes", "Without files that are given back first.",
            _memory(lambda memory: memory.working_set)),
    _Metric("gauge", "memory_anon_bytes", "What programs have allocated.",
            _memory(lambda memory: memory.anon)),
    _Metric("gauge", "memory_cache_bytes", "Files, tmpfs included.",
            _memory(lambda memory: memory.cache)),
    _Metric("gauge", "memory_kernel_bytes", "Page tables, stacks, slabs.",
            _memory(lambda memory: memory.kernel)),
    _Metric("gauge", "memory_swap_bytes", "Swapped out.", _memory(lambda memory: memory.swap)),
    _Metric("gauge", "memory_limit_bytes", "The strictest limit; the host: what it has.",
            _memory(lambda memory: memory.limit)),
    _Metric("counter", "memory_limit_hits", "How often it ran into its limit.",
            _memory(lambda memory: memory.events.max)),
    _Metric("counter", "oom_kills", "Processes that were killed for want of memory.",
            _memory(lambda memory: memory.events.oom_kill)),
    _Metric("counter", "io_read_bytes", "Read from block devices.", _io(lambda io: io.read_bytes)),
    _Metric("counter", "io_written_bytes", "Written to block devices.",
            _io(lambda io: io.written_bytes)),
    _Metric("gauge", "tasks", "Processes and threads.", _pids(lambda pids: pids.current)),
    _Metric("gauge", "tasks_limit", "The strictest limit of tasks.",
            _pids(lambda pids: pids.limit)),
    _Metric("counter", "pressure_waiting_seconds", "Time in which some tasks waited.",
            _pressure(lambda pressure: pressure.some)),
    _Metric("counter", "pressure_stalled_seconds", "Time in which all tasks waited.",
            _pressure(lambda pressure: pressure.full)),
    _Metric("counter", "network_received_bytes", "Of its network namespace.",
            _net(lambda traffic: traffic.rx_bytes)),
    _Metric("counter", "network_sent_bytes", "Of its network namespace.",
            _net(lambda traffic: traffic.tx_bytes)),
)  # fmt: skip
