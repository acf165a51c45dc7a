"""The pulse of the host in three short tables: engines, who uses most, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Literal

from nsview.host.alerts import find_alerts
from nsview.host.model import Container, Snapshot
from nsview.tui.history import History
from nsview.tui.row_layout import Cell, Column, Row
from nsview.tui.rows.charts import peak, sparkline
from nsview.tui.rows.home_cells import HOST, engine_words
from nsview.units import percent, short_size

#: Cells of a history, and what fills them at least: per cent.
_TREND, _PROCESSOR = 16, 100.0

By = Literal["cpu", "memory"]

_CPU = Column(key="cpu", title="CPU%", width=5, align="right", letter="C")
_MEMORY = Column(key="memory", title="MEM", width=4, align="right", letter="M")
ENGINE_COLUMNS = (
    Column(key="name", title="ENGINE", min_width=7, flex=True, sortable=False),
    Column(key="count", title="", width=3, align="right", worth=1, sortable=False),
    Column(key="cpu", title="CPU%", width=5, align="right", sortable=False),
    Column(key="memory", title="MEM", width=4, align="right", sortable=False),
    Column(key="trend", title="CPU TREND", width=_TREND, sortable=False, worth=0),
)
CONSUMER_COLUMNS = (
    Column(key="name", title="NAME", min_width=8, flex=True, sortable=False),
    _CPU,
    _MEMORY,
)
ALERT_COLUMNS = (
    Column(key="name", title="NAME", max_width=16, sortable=False),
    Column(key="what", title="WHAT", min_width=8, flex=True, sortable=False),
)
_NONE = Cell("–", "dim")
_IDLE = 0.05


def running(snapshot: Snapshot) -> list[Container]:
    """Containers whose figures are known, isolated ones too: they use the machine as well."""
    known = snapshot.resources
    return [one for one in snapshot.containers if one.kind != HOST and one.ref in known]


def engine_rows(snapshot: Snapshot, history: History) -> list[Row]:
    """An engine a line, with the sums of its containers."""
    containers = sorted(running(snapshot), key=engine_words)
    rows = []
    for engine, members in groupby(containers, engine_words):
        them = list(members)
        cpu = sum(_cpu(snapshot, one) or 0.0 for one in them)
        memory = sum(_memory(snapshot, one) or 0 for one in them)
        trend = history.sums(them, "cpu")
        blocks = sparkline(trend, _TREND, max(_PROCESSOR, peak(trend)))
        cells = (engine, str(len(them)), percent(cpu), short_size(memory), Cell(blocks, "accent"))
        rows.append(Row(engine, cells))
    return rows


def consumer_rows(snapshot: Snapshot, by: By, *, reverse: bool = False) -> list[Row]:
    """Who uses most of the processor, or of memory."""
    containers = running(snapshot)

    def rank(one: Container) -> tuple[float, str]:
        value = _cpu(snapshot, one) if by == "cpu" else _memory(snapshot, one)
        return -(value or 0.0), one.ref

    chosen = sorted(containers, key=rank, reverse=reverse)
    return [Row(one.ref, tuple(_consumer(snapshot, one))) for one in chosen]


def _consumer(snapshot: Snapshot, one: Container) -> Iterator[Cell | str]:
    cpu, memory = _cpu(snapshot, one), _memory(snapshot, one)
    yield one.name
    yield _NONE if cpu is None else Cell(percent(cpu), "dim" if cpu < _IDLE else "")
    yield _NONE if memory is None else short_size(memory)


def alert_rows(snapshot: Snapshot) -> list[Row]:
    """What is wrong with which container, the host first."""
    rows = []
    for one in snapshot.containers:
        if one.status == "paused":
            rows.append(Row((one.ref, "paused"), (one.name, Cell("paused", "warn"))))
        resources = snapshot.resources.get(one.ref)
        for alert in find_alerts(resources) if resources else ():
            style = "warn" if alert.kind == "throttled" else "alert"
            rows.append(Row((one.ref, alert.kind), (one.name, Cell(alert.text, style))))
    return rows


def _cpu(snapshot: Snapshot, one: Container) -> float | None:
    cpu = snapshot.resources[one.ref].cpu
    return cpu.percent if cpu else None


def _memory(snapshot: Snapshot, one: Container) -> int | None:
    memory = snapshot.resources[one.ref].memory
    return memory.working_set if memory else None
