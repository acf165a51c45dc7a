"""The stack of layers of one container, newest on top, and everything about the one chosen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from nsview.layers.stack import Layer
from nsview.layers.waste import Waste
from nsview.tui.explorer import Explorer
from nsview.tui.facts import Facts
from nsview.tui.row_table import RowTable
from nsview.tui.rows.grid import Grid
from nsview.tui.rows.stack import (
    STACK_COLUMNS,
    layer_grid,
    partial_grid,
    stack_rows,
    total_words,
)
from nsview.tui.view import View


class StackPane(View):
    """Reads nothing; `rebuild` shows what the explorer knows by now."""

    DEFAULT_CSS: ClassVar[str] = """
    StackPane > RowTable { margin: 0 0 0 1; height: auto; min-height: 2; max-height: 60%; }
    StackPane > .total { height: 1; margin: 1 0; padding: 0 1; color: $foreground 70%; }
    StackPane > Facts { height: 1fr; }
    """

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self.explorer = explorer
        self.table = RowTable(STACK_COLUMNS)
        self.details = Facts()
        self.details.can_focus = False
        self._total = Static(markup=False, classes="total")

    def compose(self) -> ComposeResult:
        """The table, the total, the details."""
        yield self.table
        yield self._total
        yield self.details

    def focus_content(self) -> None:
        """The table takes the keys."""
        self.give_keys_to(self.table)

    @property
    def chosen(self) -> Layer | None:
        """The one under the cursor."""
        stack, index = self.explorer.stack, self.table.cursor_key
        return stack.layers[index] if stack and isinstance(index, int) else None

    def rebuild(self) -> None:
        """Draw what is known."""
        explorer = self.explorer
        stack = explorer.stack
        self.table.set_placeholder(explorer.problem)
        if stack is None:
            self.table.set_rows([])
            return
        changes = explorer.changes
        count = len(changes.changes) if changes and not changes.problem else None
        self.table.set_rows(stack_rows(stack, explorer.sizes, count))
        total = total_words(stack, explorer.sizes, explorer.waste, seeking=explorer.seeks_waste)
        self._total.update(total)
        self.show_details()

    def show_details(self) -> None:
        """Of the layer under the cursor."""
        explorer, layer = self.explorer, self.chosen
        grids: list[Grid] = []
        if layer is not None:
            waste = explorer.waste if isinstance(explorer.waste, Waste) else None
            grids.append(layer_grid(layer, explorer.sizes.get(layer.index), waste))
        self.details.show([*grids, *partial_grid(explorer.partial)])

    def raw(self) -> object | None:
        """The layer under the cursor."""
        return self.chosen

    def copy_text(self) -> str | None:
        """Its directory on disk."""
        return self.chosen.directory if self.chosen else None
