"""What a `RowTable` tells whoever shows it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from textual.message import Message
from textual.widget import Widget

from nsview.tui.row_layout import Column


class TableMessage(Message):
    """Something about one table."""

    def __init__(self, table: Widget) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> Widget:
        """For ``@on(RowTable.Selected, "#id")``."""
        return self.table


class RowMessage(TableMessage):
    """Something about one row."""

    def __init__(self, table: Widget, key: Hashable) -> None:
        super().__init__(table)
        self.key = key


class Selected(RowMessage):
    """Enter, or a double click, on the row of that key."""


class Highlighted(RowMessage):
    """The cursor came to that row; key None: there is no row left."""


class Toggled(RowMessage):
    """Space on an expandable row, or a click on its mark: it is to be folded or unfolded."""


class Marked(TableMessage):
    """Other rows are marked now."""


class SortRequested(TableMessage):
    """The rows are wanted in another order: a click on a title, or a key."""

    def __init__(self, table: Widget, column: str, *, reverse: bool = False) -> None:
        super().__init__(table)
        self.column = column
        self.reverse = reverse


class SortMenuRequested(TableMessage):
    """Somebody wants to choose the order from a list; the answer is a `SortRequested`."""

    def __init__(self, table: Widget, columns: Sequence[Column], chosen: str | None) -> None:
        super().__init__(table)
        self.columns = columns
        self.chosen = chosen

    def answer(self, column: str | None) -> None:
        """Say what was chosen; None: nothing."""
        if column is not None:
            self.table.post_message(SortRequested(self.table, column))
