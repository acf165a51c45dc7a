"""The columns of the home table: what each is called, what stands in it, and how it sorts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NamedTuple

from nsview.host.model import Container
from nsview.kernel.namespaces import KINDS
from nsview.tui.row_layout import Cell, Column
from nsview.tui.rows import home_cells as cells
from nsview.tui.rows.home_cells import NONE, SHORT_ID, Seen

_Rank = Callable[[Seen, Container], tuple[object, ...]]


def _by_name(_: Seen, one: Container) -> tuple[object, ...]:
    return one.name.casefold(), one.ref


class HomeColumn(NamedTuple):
    """A column, and where its cells and its order come from."""

    column: Column
    cell: Callable[[Seen, Container], Cell | str]
    rank: _Rank = _by_name
    made_of: Literal["container", "figures", "time"] = "container"
    """The container alone; what it uses, too; or what goes on by itself: the hour, the figures of
    the last minutes."""
    holds: Callable[[Seen, Container], float] | None = None
    """The moment until which a cell made of time is the same, if all else is."""


# The most first, and what is not known last.
def _most(figure: Callable[[Seen, Container], float | None]) -> _Rank:
    def rank(seen: Seen, one: Container) -> tuple[object, ...]:
        value = figure(seen, one)
        return value is None, -(value or 0.0), one.name.casefold()

    return rank


# Words, and what has none last.
def _words(text: Callable[[Container], str | None]) -> _Rank:
    return lambda _, one: (text(one) or "~", one.name.casefold())


def _cpu(seen: Seen, one: Container) -> float | None:
    cpu = seen.resources(one).cpu
    return cpu.percent if cpu else None


def _memory(seen: Seen, one: Container) -> float | None:
    memory = seen.resources(one).memory
    return memory.working_set if memory else None


def _io(seen: Seen, one: Container) -> float | None:
    io = seen.resources(one).io
    return io.both if io else None


def _net(seen: Seen, one: Container) -> float | None:
    traffic = seen.snapshot.traffic_of(one)
    return (traffic.rx_rate or 0.0) + (traffic.tx_rate or 0.0) if traffic else None


def _throttled(seen: Seen, one: Container) -> float | None:
    cpu = seen.resources(one).cpu
    return cpu.throttled if cpu else None


def _pressure(seen: Seen, one: Container) -> float | None:
    pressure = seen.resources(one).pressure
    return max((each.some.avg10 for each in pressure.values()), default=None)


def _tasks(seen: Seen, one: Container) -> float | None:
    pids = seen.resources(one).pids
    return pids.current if pids else None


def _oom(seen: Seen, one: Container) -> float | None:
    memory = seen.resources(one).memory
    return memory.events.oom_kill if memory else None


PLAIN = (
    HomeColumn(Column(key="status", title="", width=2, align="right", sortable=False),
               cells.status_cell, made_of="figures"),
    HomeColumn(Column(key="name", title="NAME", min_width=20, max_width=60, flex=True, tree=True,
                      letter="N"), cells.name_cell),
    HomeColumn(Column(key="engine", title="ENGINE", min_width=6, max_width=18), cells.engine_cell,
               lambda _, one: (one.engine, one.owner, one.name.casefold())),
    HomeColumn(Column(key="id", title="ID", width=SHORT_ID, worth=3, sortable=False),
               cells.short_id_cell),
    HomeColumn(Column(key="pid", title="PID", min_width=6, align="right", letter="P", worth=8),
               lambda _, one: str(one.pid) if one.pid else NONE,
               lambda _, one: (one.pid is None, one.pid or 0)),
    HomeColumn(Column(key="processes", title="PROCS", min_width=5, align="right", worth=5),
               lambda _, one: str(len(one.members)) if one.members else NONE,
               _most(lambda _, one: len(one.members))),
    HomeColumn(Column(key="cpu", title="CPU%", width=5, align="right", letter="C"),
               cells.cpu_cell, _most(_cpu), made_of="figures"),
    HomeColumn(Column(key="trend", title="CPU TREND", width=9, worth=4, sortable=False),
               cells.trend_cell("cpu"), made_of="time", holds=cells.trend_holds("cpu")),
    HomeColumn(Column(key="memory", title="MEM/LIMIT", width=9, align="right", letter="M"),
               cells.memory_cell, _most(_memory), made_of="figures"),
    HomeColumn(Column(key="io", title="IO R/W", width=9, align="right", worth=4),
               cells.io_cell, _most(_io), made_of="figures"),
    HomeColumn(Column(key="net", title="NET RX/TX", width=9, align="right", worth=4),
               cells.net_cell, _most(_net), made_of="figures"),
    HomeColumn(Column(key="namespaces", title="NAMESPACES", width=10, worth=9, sortable=False),
               cells.namespaces_cell),
    HomeColumn(Column(key="rootfs", title="ROOTFS", max_width=12, worth=1), cells.rootfs_cell,
               lambda _, one: (one.rootfs.type, one.rootfs.layers) if one.rootfs else ("~", 0)),
    HomeColumn(Column(key="user", title="USER", max_width=12, worth=2),
               lambda _, one: cells.user_words(one) or NONE, _words(cells.user_words)),
    HomeColumn(Column(key="up", title="UP", min_width=4, align="right", worth=6),
               cells.up_cell,
               lambda _, one: (one.started is None, -(one.started or 0.0), one.name.casefold()),
               made_of="time", holds=cells.up_holds),
)  # fmt: skip
_MORE = (
    HomeColumn(Column(key="alerts", title="ALERTS", max_width=40), cells.alerts_cell,
               lambda seen, one: (-len(cells.alerts_of(seen, one)), one.name.casefold()),
               made_of="figures"),
    HomeColumn(Column(key="throttled", title="THROTTLED%", width=10, align="right"),
               cells.throttled_cell, _most(_throttled), made_of="figures"),
    HomeColumn(Column(key="pressure", title="WAITS% CPU MEM IO", width=17, align="right"),
               cells.pressure_cell, _most(_pressure), made_of="figures"),
    HomeColumn(Column(key="oom", title="OOM", width=4, align="right"), cells.oom_cell, _most(_oom),
               made_of="figures"),
    HomeColumn(Column(key="tasks", title="TASKS", min_width=11, align="right"), cells.tasks_cell,
               _most(_tasks), made_of="figures"),
    HomeColumn(Column(key="memory-trend", title="MEM TREND", width=9, sortable=False),
               cells.trend_cell("memory"), made_of="time", holds=cells.trend_holds("memory")),
    HomeColumn(Column(key="io-trend", title="IO TREND", width=8, sortable=False),
               cells.trend_cell("io"), made_of="time", holds=cells.trend_holds("io")),
    HomeColumn(Column(key="image", title="IMAGE", max_width=44), lambda _, one: one.image or NONE,
               _words(lambda one: one.image)),
    HomeColumn(Column(key="pod", title="POD", max_width=30),
               lambda _, one: cells.pod_words(one) or NONE, _words(cells.pod_words)),
    HomeColumn(Column(key="started", title="STARTED", max_width=19, sortable=False),
               lambda _, one: cells.clock(one.started) if one.started else NONE),
    HomeColumn(Column(key="cgroup", title="CGROUP", max_width=60),
               lambda _, one: one.cgroup or NONE, _words(lambda one: one.cgroup)),
    HomeColumn(Column(key="command", title="COMMAND", min_width=10, flex=True),
               cells.command_cell, lambda _, one: (one.command,)),
)  # fmt: skip

#: Nothing is dropped and nothing cut: there is more than fits, and the arrows scroll to it.
WIDE = (
    *(one._replace(column=replace(one.column, worth=None, flex=False)) for one in PLAIN),
    *_MORE,
)
RANKS = {one.column.key: one.rank for one in WIDE if one.column.sortable}
#: Sorting by these, the order is another one without any container being another one.
MOVING = frozenset(one.column.key for one in WIDE if one.made_of == "figures")

assert max(len(KINDS), len("NAMESPACES")) == PLAIN[11].column.width  # the flags fit
