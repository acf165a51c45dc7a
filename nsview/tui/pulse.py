"""`:pulse`: the host at a glance. Three charts above, three short tables below."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from nsview.host.model import Snapshot
from nsview.host.reference import HOST_REF
from nsview.host.resources import Resources
from nsview.tui.chart import Chart
from nsview.tui.help_texts import PULSE
from nsview.tui.history import Figure, History
from nsview.tui.page import Page
from nsview.tui.row_table import RowTable
from nsview.tui.rows.charts import sparkline
from nsview.tui.rows.pulse import (
    ALERT_COLUMNS,
    CONSUMER_COLUMNS,
    ENGINE_COLUMNS,
    alert_rows,
    consumer_rows,
    engine_rows,
)
from nsview.tui.view import View
from nsview.tui.view_page import ViewPage
from nsview.units import percent, short_size

#: Cells of the history of waiting, and what fills one: per cent.
_TREND, _ALL = 6, 100.0


class Tile(Vertical):
    """A frame with a title and, at its lower edge, a remark."""

    DEFAULT_CSS = """
    Tile { width: 1fr; height: 100%; border: round $foreground 30%; border-title-style: bold; }
    Tile:focus-within { border: round $primary; }
    Tile:ansi { border: round ansi_default; }
    """

    def __init__(self, title: str, content: Widget) -> None:
        super().__init__()
        self.border_title = title
        self._content = content

    def compose(self) -> ComposeResult:
        """What it frames."""
        yield self._content

    def remark(self, text: str) -> None:
        """Say something at the lower edge."""
        if text != self.border_subtitle:
            self.border_subtitle = text


class PulseView(View):
    """The machine's figures and the containers': all of it comes with the snapshot."""

    HELP: ClassVar[str] = PULSE
    DEFAULT_CSS = """
    PulseView > Horizontal { height: 2fr; min-height: 7; }
    PulseView > Horizontal.tables { height: 3fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next table", key_display="Tab", id="pulse.next"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._charts = {
            "cpu": Chart("CPU", lambda value: f"{percent(value)} %"),
            "memory": Chart("used", lambda value: short_size(round(value))),
            "io": Chart("io", lambda value: f"{short_size(round(value))}/s"),
        }
        self._tiles = {
            name: Tile(title, self._charts[name])
            for name, title in (("cpu", "processor"), ("memory", "memory"), ("io", "disks"))
        }
        self.engines = RowTable(ENGINE_COLUMNS, placeholder="no container runs")
        self.consumers = RowTable(CONSUMER_COLUMNS, placeholder="no container runs")
        self.alerts = RowTable(ALERT_COLUMNS, placeholder="all is well")
        self._alert_tile = Tile("alerts", self.alerts)
        self._by = ("cpu", False)

    def compose(self) -> ComposeResult:
        """Six tiles."""
        with Horizontal():
            yield from self._tiles.values()
        with Horizontal(classes="tables"):
            yield Tile("engines", self.engines)
            yield Tile("who uses most", self.consumers)
            yield self._alert_tile

    def focus_content(self) -> None:
        """Who uses most, first; Tab goes on."""
        self.give_keys_to(self.consumers)

    def show(self, snapshot: Snapshot) -> None:
        """The host as it is now."""
        self.snapshot = snapshot
        if not isinstance(self.screen, Page):
            return
        history = self.screen.nsview.history
        machine = snapshot.resources.get(HOST_REF)
        if machine is not None:
            self._show_machine(machine, history)
        self.engines.set_rows(engine_rows(snapshot, history))
        by, reverse = self._by
        self.consumers.set_sort(by, reverse=reverse)
        self.consumers.set_rows(
            consumer_rows(snapshot, "memory" if by == "memory" else "cpu", reverse=reverse)
        )
        self.alerts.set_rows(alert_rows(snapshot))

    def _show_machine(self, machine: Resources, history: History) -> None:
        cpu, memory = machine.cpu, machine.memory
        shown: tuple[tuple[str, Figure, Figure, float | None], ...] = (
            ("cpu", "cpu", "cpu waits", cpu.limit if cpu else None),
            ("memory", "memory", "memory waits", memory.limit if memory else None),
            ("io", "io", "io waits", None),
        )
        for name, figure, waits, limit in shown:
            self._charts[name].show(history.values(HOST_REF, figure), limit)
            pressure = machine.pressure.get(name)
            waited = sparkline(history.values(HOST_REF, waits), _TREND, _ALL)
            text = f"waits {waited} {percent(pressure.some.avg10)} %" if pressure else ""
            self._tiles[name].remark(text)
        kills = memory.events.oom_kill if memory else 0
        self._alert_tile.remark(f"OOM kills: {kills}" if kills else "")

    @on(RowTable.Selected)
    def _open(self, event: RowTable.Selected) -> None:
        event.stop()
        if not isinstance(self.screen, Page):
            return
        if event.table is self.engines:
            self.screen.nsview.go_home()
        elif (ref := _ref_of(event.key)) is not None:
            self.screen.nsview.open_ref(ref, "limits")

    @on(RowTable.SortRequested)
    def _sort(self, event: RowTable.SortRequested) -> None:
        event.stop()
        self._by = (event.column, event.reverse)
        if self.snapshot is not None:
            self.show(self.snapshot)

    def copy_text(self) -> str | None:
        """The container under the cursor."""
        for table in (self.consumers, self.alerts):
            if table.has_focus:
                return _ref_of(table.cursor_key)
        return None

    def raw(self) -> object | None:
        """The machine's figures."""
        return self.snapshot.resources.get(HOST_REF) if self.snapshot else None


def _ref_of(key: Hashable) -> str | None:
    if isinstance(key, tuple):
        key = key[0]
    return key if isinstance(key, str) else None


def pulse_page() -> ViewPage:
    """`:pulse`."""
    return ViewPage(PulseView(), "Pulse")
