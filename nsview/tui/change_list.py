"""The list of what a container has changed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from nsview.layers.diff import Changed
from nsview.tui.explorer import Explorer
from nsview.tui.file_pane import Chosen, FilePane
from nsview.tui.row_table import RowTable
from nsview.tui.rows.changes import CHANGE_COLUMNS, change_rows, change_words

_FIRST_ROWS = 2000
_MORE = 4


class ChangeList(FilePane):
    """As a tree, or flat."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t,f5", "flat", "tree or flat", id="changes.flat"),
    ]

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self._tree = True
        self._limit = _FIRST_ROWS

    def rebuild(self) -> None:
        """Draw them."""
        self.table.set_columns(CHANGE_COLUMNS)
        self.table.set_placeholder(self._nothing())
        self.table.set_rows(
            change_rows(
                self._changes(),
                self.options,
                self.folded,
                tree=self._tree and not self.options.by_size,
                limit=self._limit,
            )
        )

    def _changes(self) -> tuple[Changed, ...]:
        return self.explorer.changes.changes if self.explorer.changes else ()

    def _nothing(self) -> str:
        explorer = self.explorer
        if explorer.stack is None:
            return explorer.problem
        if explorer.changes is None:
            return explorer.waiting
        if explorer.changes.problem is not None:
            return explorer.changes.problem
        if self._changes():
            return f"nothing fits: {self.options.words} (Esc shows everything)"
        return explorer.unchanged

    @property
    def remark(self) -> str:
        """What is left out, the order, how much there is of what."""
        words = (self.options.words, change_words(self._changes()) if self._changes() else "")
        return " · ".join(filter(None, words))

    def _find(self) -> Changed | None:
        return next((one for one in self._changes() if one.path == self.cursor_key), None)

    def chosen(self) -> Chosen | None:
        """The path under the cursor; what was deleted is as the layers below have it."""
        one = self._find()
        if one is None:
            return None
        return Chosen(one.path, 1 if one.kind == "D" else 0, "" if one.size is None else "file")

    def raw(self) -> object | None:
        """The change under the cursor."""
        return self._find()

    def open_row(self, key: Hashable) -> None:
        """Enter: fold a directory, view a file."""
        row = self.table.cursor_row
        if row is not None and row.expandable:
            self.toggle_row(key)
        else:
            self.action_view()

    @on(RowTable.Highlighted)
    def _moved(self, event: RowTable.Highlighted) -> None:
        if event.key == ("", "more"):
            self._limit *= _MORE
            self.rebuild_with_more()

    def start_over(self) -> None:
        """From the first rows."""
        self._limit = _FIRST_ROWS

    def action_flat(self) -> None:
        """The other way."""
        self._tree = self.options.by_size or not self._tree
        self.change_options(replace(self.options, by_size=False))
