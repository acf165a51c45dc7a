"""The keys that ask for another order of a table: the same in every view."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.scroll_view import ScrollView

from nsview.tui.row_layout import Column
from nsview.tui.row_messages import SortMenuRequested, SortRequested

#: Shift and a letter, as in htop and k9s: a table has a column for some of them (`Column.letter`).
_LETTERS = {"N": "name", "C": "CPU", "M": "memory", "P": "PID", "S": "size", "T": "time"}


class SortKeys(ScrollView):
    """Knows by which column the rows are sorted; whoever gave them sorts them anew."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "sort_menu", "sort", id="table.sort"),
        Binding("less_than_sign", "sort_next(-1)", "sort by the column before", show=False,
                id="table.sort-before"),
        Binding("greater_than_sign", "sort_next(1)", "sort by the next column", show=False,
                id="table.sort-after"),
        *(Binding(letter, f"sort_by('{letter}')", f"sort by {word}", show=False,
                  id=f"table.sort-{word.lower()}") for letter, word in _LETTERS.items()),
        Binding("I", "reverse", "reverse the order", show=False, id="table.reverse"),
    ]  # fmt: skip

    _sort: tuple[str | None, bool] = (None, False)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as they were given, whether there is room for them or not."""
        raise NotImplementedError

    def set_sort(self, column: str | None, *, reverse: bool = False) -> None:
        """Mark the column that the caller has sorted the rows by."""
        if self._sort != (column, reverse):
            self._sort = (column, reverse)
            self.refresh()

    @property
    def _sortable(self) -> list[Column]:
        return [column for column in self.columns if column.sortable]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that sorts nothing here may mean something else to the view around."""
        if action in ("sort_menu", "sort_next", "reverse"):
            return bool(self._sortable)
        if action == "sort_by":
            return any(column.letter == parameters[0] for column in self._sortable)
        return super().check_action(action, parameters)

    def ask_order(self, column: str) -> None:
        """Ask for the order of a column; asked again, for the opposite one."""
        sorted_by, reverse = self._sort
        self.post_message(SortRequested(self, column, reverse=column == sorted_by and not reverse))

    def action_sort_menu(self) -> None:
        """Choose the column from a list."""
        self.post_message(SortMenuRequested(self, self._sortable, self._sort[0]))

    def action_sort_next(self, step: int) -> None:
        """Sort by the column beside the one that it is sorted by."""
        keys = [column.key for column in self._sortable]
        sorted_by = self._sort[0]
        at = keys.index(sorted_by) if sorted_by in keys else -max(0, step)
        self.post_message(SortRequested(self, keys[(at + step) % len(keys)]))

    def action_sort_by(self, letter: str) -> None:
        """Sort by the column of that letter."""
        self.ask_order(next(one.key for one in self._sortable if one.letter == letter))

    def action_reverse(self) -> None:
        """The other way round."""
        if (column := self._sort[0]) is not None:
            self.ask_order(column)
