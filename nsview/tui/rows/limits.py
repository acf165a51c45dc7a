"""The Limits of a container: what it uses beside what it may, and how much it waits for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nsview.host.alerts import find_alerts
from nsview.host.resources import Counted, Cpu, Io, Memory, Pids, Resources
from nsview.kernel.pressure import Pressure
from nsview.tui.row_layout import Cell
from nsview.tui.rows.charts import gauge
from nsview.tui.rows.grid import Grid, fact
from nsview.units import byte_size, percent, short_size

_BAR = 10
_PERCENT = 100.0
#: Of its limit, and of the time: worth a colour.
_NEAR, _MUCH = 0.9, 10.0
_COUNTED: dict[Counted, str] = {
    "cgroup": "its control group, by the kernel",
    "processes": "a sum over its processes: it has no control group of its own",
    "machine": "the whole machine",
}
_WAITED = "10 s  1 min 5 min WAITED"
_NONE = Cell("–", "dim")
_UNLIMITED = Cell("no limit", "dim")


def limits_grids(resources: Resources) -> list[Grid]:
    """The whole page but for the charts."""
    grids = [_limits(resources), *_details(resources)]
    alerts = find_alerts(resources)
    if alerts:
        rows = tuple((Cell(alert.text, "alert"),) for alert in alerts)
        grids.insert(0, Grid(title="", rows=rows))
    return grids


def _limits(now: Resources) -> Grid:
    return Grid(
        title="",
        headers=(
            "RESOURCE",
            "USES",
            "OF ITS LIMIT",
            "LIMIT",
            f"{_row_of('10 s', '1 min', '5 min')} WAITED",
        ),
        rows=(
            _cpu(now.cpu, now.pressure.get("cpu")),
            _memory(now.memory, now.pressure.get("memory")),
            _tasks(now.pids),
            _io(now.io, now.pressure.get("io")),
        ),
    )


def _cpu(cpu: Cpu | None, pressure: Pressure | None) -> tuple[Cell, ...]:
    used = cpu.percent if cpu else None
    limit = cpu.limit if cpu else None
    return (
        Cell("cpu", "label"),
        _NONE if used is None else Cell(f"{percent(used)} %"),
        _bar(used, limit),
        _UNLIMITED if limit is None else Cell(f"{percent(limit)} %"),
        _waits(pressure),
    )


def _memory(memory: Memory | None, pressure: Pressure | None) -> tuple[Cell, ...]:
    return (
        Cell("memory", "label"),
        _bytes(memory.working_set if memory else None),
        _bar(memory.working_set if memory else None, memory.limit if memory else None),
        Cell(byte_size(memory.limit)) if memory and memory.limit is not None else _UNLIMITED,
        _waits(pressure),
    )


def _tasks(pids: Pids | None) -> tuple[Cell, ...]:
    return (
        Cell("tasks", "label"),
        Cell(str(pids.current)) if pids else _NONE,
        _bar(pids.current if pids else None, pids.limit if pids else None),
        Cell(str(pids.limit)) if pids and pids.limit is not None else _UNLIMITED,
        Cell(""),
    )


def _io(io: Io | None, pressure: Pressure | None) -> tuple[Cell, ...]:
    used = _NONE
    if io is not None and io.read is not None and io.write is not None:
        used = Cell(f"r {short_size(round(io.read))}/s w {short_size(round(io.write))}/s")
    return (
        Cell("io", "label"),
        used,
        Cell(""),
        Cell(""),
        _waits(pressure),
    )


def _bar(used: float | None, limit: float | None) -> Cell:
    if used is None or not limit:
        return Cell("")
    share = used / limit
    style = "alert" if share >= _NEAR else ""
    return Cell(f"{gauge(share, _BAR)} {_PERCENT * share:3.0f} %", style)


def _waits(pressure: Pressure | None) -> Cell:
    if pressure is None:
        return Cell("not measured", "dim")
    some = pressure.some
    words = _row_of(*(percent(value) for value in (some.avg10, some.avg60, some.avg300)))
    return Cell(f"{words} %", "warn" if some.avg10 >= _MUCH else "")


# Of ten seconds, a minute, five.
def _row_of(*words: str) -> str:
    return " ".join(f"{word:<5}" for word in words)


def _bytes(count: int | None) -> Cell:
    return _NONE if count is None else Cell(byte_size(count))


def _details(now: Resources) -> Iterator[Grid]:
    if now.memory is not None:
        machine = now.counted == "machine"
        yield Grid(title="memory", rows=tuple(_memory_facts(now.memory, charged=not machine)))
    if now.cpu is not None:
        yield Grid(title="processor", rows=tuple(_cpu_facts(now.cpu)))
    if now.io is not None:
        yield _devices(now.io)
    yield Grid(title="", rows=(fact("counted", _COUNTED[now.counted], "dim"),))


def _memory_facts(memory: Memory, *, charged: bool) -> Iterator[tuple[Cell, ...]]:
    parts: Sequence[tuple[str, int | None, str]] = (
        ("anonymous", memory.anon, "allocated by programs: only swap could free it"),
        ("cache", memory.cache, "files and tmpfs; the inactive part goes first"),
        ("kernel", memory.kernel, "page tables, stacks, slabs"),
        ("charged", memory.used if charged else None, "all of it: what the limit is compared with"),
        ("swap", memory.swap, f"of {byte_size(memory.swap_limit)}" if memory.swap_limit else ""),
        ("high", memory.high, "above it, it is slowed down"),
    )
    for name, count, words in parts:
        if count is not None:
            yield Cell(name, "label"), Cell(f"{byte_size(count):>6}"), Cell(words, "dim")
    events = memory.events
    happened = (
        (events.max, "times at its limit"),
        (events.high, "times over high"),
        (events.oom, "times out of memory"),
        (events.oom_kill, "processes killed for it"),
    )
    told = [f"{count} {words}" for count, words in happened if count]
    if told:
        yield Cell("events", "label"), Cell(""), Cell(", ".join(told), "warn")


def _cpu_facts(cpu: Cpu) -> Iterator[tuple[Cell, ...]]:
    yield fact("in all", f"{cpu.usage:.1f} s since it began")
    if cpu.periods:
        share = _PERCENT * cpu.throttled_periods / cpu.periods
        now = "" if cpu.throttled is None else f"; lately in {percent(cpu.throttled)} %"
        yield fact(
            "throttled",
            f"in {cpu.throttled_periods} of {cpu.periods} periods ({share:.0f} %), "
            f"{cpu.throttled_seconds:.1f} s{now}",
        )


def _devices(io: Io) -> Grid:
    rows = [
        (Cell(name, "label"), Cell(byte_size(read)), Cell(byte_size(written)))
        for name, (read, written) in sorted(io.devices.items())
        if read or written
    ]
    rows.append((Cell("all"), Cell(byte_size(io.read_bytes)), Cell(byte_size(io.written_bytes))))
    note = " (of its processes: this kernel's blkio counts nothing)"
    title = "block devices" + (note if io.counted == "processes" else "")
    return Grid(title=title, headers=("DEVICE", "READ", "WRITTEN"), rows=tuple(rows))
