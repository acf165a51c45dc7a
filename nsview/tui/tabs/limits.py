"""The Limits tab: each limit beside its use and pressure, and the last minutes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from nsview.host.model import Snapshot
from nsview.tui.chart import Chart
from nsview.tui.facts import Facts
from nsview.tui.help_texts import LIMITS
from nsview.tui.page import Page
from nsview.tui.row_layout import Cell
from nsview.tui.rows.grid import Grid
from nsview.tui.rows.limits import limits_grids
from nsview.tui.view import View
from nsview.units import percent, short_size


class LimitsTab(View):
    """All of it comes with the snapshot: nothing more is read."""

    HELP: ClassVar[str] = LIMITS
    DEFAULT_CSS = """
    LimitsTab > Horizontal { height: 25%; min-height: 5; }
    LimitsTab > Facts { height: 1fr; }
    """

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref
        self.facts = Facts()
        self._cpu = Chart("CPU", lambda value: f"{percent(value)} %")
        self._memory = Chart("memory", lambda value: short_size(round(value)))
        self._io = Chart("io", lambda value: f"{short_size(round(value))}/s")

    def compose(self) -> ComposeResult:
        """The figures, and three charts below them."""
        yield self.facts
        with Horizontal():
            yield self._cpu
            yield self._memory
            yield self._io

    def focus_content(self) -> None:
        """The page scrolls."""
        self.give_keys_to(self.facts)

    def show(self, snapshot: Snapshot) -> None:
        """The container as it is now; the last content stays when it is gone."""
        self.snapshot = snapshot
        resources = snapshot.resources.get(self._ref)
        if resources is None:
            if snapshot.container(self._ref) is not None:
                self._say("it does not run: nothing is used, and no control group is left")
            elif not self.facts.text:
                self._say("it is gone, and what it used was not read before")
            return
        self.facts.show(limits_grids(resources))
        if isinstance(self.screen, Page):
            history = self.screen.nsview.history
            cpu, memory = resources.cpu, resources.memory
            self._cpu.show(history.values(self._ref, "cpu"), cpu.limit if cpu else None)
            self._memory.show(history.values(self._ref, "memory"), memory.limit if memory else None)
            self._io.show(history.values(self._ref, "io"))

    def _say(self, text: str) -> None:
        self.facts.show([Grid(title="", rows=((Cell(text, "dim"),),))])

    def copy_text(self) -> str | None:
        """The reference that names it everywhere."""
        return self._ref

    def raw(self) -> object:
        """The figures."""
        return self.snapshot.resources.get(self._ref) if self.snapshot else None
