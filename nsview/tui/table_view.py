"""A view that is a table: rows by identity, folding, and what Enter opens."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from nsview.host.model import Snapshot
from nsview.tui.built_table import Built, TableBuilder
from nsview.tui.filtering import filter_rows
from nsview.tui.page import Page
from nsview.tui.prompt import Prompt
from nsview.tui.row_table import Cell, Column, Row, RowTable
from nsview.tui.rows.outline import Line
from nsview.tui.save import rows_as_mappings
from nsview.tui.view import View

T = TypeVar("T")
SortKey = Callable[[Any], Any]

#: So many things take longer to make rows of than a key press may have to wait.
LARGE = 2000


class TableView(View):
    """Subclasses give columns and rows; the cursor stays on the row's key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # By priority: what is typed in one go ("/web") arrives in the prompt whole.
        Binding("slash,f4", "filter", "filter", key_display="/", priority=True, id="view.filter"),
        Binding("escape", "clear_filter", show=False, id="view.clear-filter"),
        Binding("ctrl+s", "save", "save the table", show=False, id="view.save"),
    ]

    DEFAULT_CSS = "TableView > RowTable { margin: 0 0 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.table = RowTable()
        self.folded: set[Hashable] = set()
        self.typed_filter = ""
        self._wish: Hashable | None = None
        self._sorted_by = ""
        self._reverse = False
        self._builds_aside = False
        self._builder = TableBuilder()

    def compose(self) -> ComposeResult:
        """The table alone."""
        yield self.table

    def focus_content(self) -> None:
        """The table takes the keys."""
        self.give_keys_to(self.table)

    def columns(self, snapshot: Snapshot) -> Sequence[Column]:
        """What is shown of each row."""
        raise NotImplementedError

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """The rows as they are now; nothing may be read here."""
        raise NotImplementedError

    def sort_keys(self) -> Mapping[str, SortKey]:
        """By which of its columns the table can be sorted, the usual one first."""
        return {}

    def amount(self, snapshot: Snapshot) -> int:
        """How many things rows are made of; more than `LARGE` are left to the scanner's thread.

        Then `columns`, `rows` and `sort_keys` are called there, one after the other, and may only
        look at what other threads replace as a whole.
        """
        return 0

    def in_order(self, items: Iterable[T]) -> list[T]:
        """Items as somebody wants them sorted; in a tree these are the siblings."""
        keys = self.sort_keys()
        key = keys.get(self._sorted_by) or next(iter(keys.values()))
        return sorted(items, key=key, reverse=self._reverse)

    def open_row(self, key: Hashable) -> None:
        """Enter on a row."""

    @property
    def waiting_text(self) -> str:
        """What to say while there is no row."""
        return ""

    def show(self, snapshot: Snapshot) -> None:
        """Show the host as it is now; the cursor and the folds stay."""
        self.snapshot = snapshot
        self.rebuild()

    def rebuild(self) -> None:
        """Show the last snapshot again, in another order or with more that has been read."""
        if self.snapshot is None:
            return
        nothing = (
            f"nothing fits {self.typed_filter!r}: Esc" if self.typed_filter else self.waiting_text
        )
        self.table.set_placeholder(nothing)
        # Once aside, always aside: what was asked for later is shown later.
        self._builds_aside = self._builds_aside or self.amount(self.snapshot) > LARGE
        if self._builds_aside and isinstance(self.screen, Page):
            scanner = self.screen.nsview.scanner
            scanner.submit(lambda _, snapshot: self._build(snapshot), self.snapshot, self._place)
        else:
            self._place(self._build(self.snapshot))

    def _build(self, snapshot: Snapshot) -> Built:
        columns = self.columns(snapshot)
        return self._builder.build(columns, filter_rows(self.rows(snapshot), self.typed_filter))

    def _place(self, built: Built) -> None:
        self.table.set_built(built)
        if keys := self.sort_keys():
            self._sorted_by = self._sorted_by if self._sorted_by in keys else next(iter(keys))
            self.table.set_sort(self._sorted_by, reverse=self._reverse)
        if self._wish is not None and self.table.move_cursor_to(self._wish):
            self._wish = None

    def put_cursor_on(self, key: Hashable) -> None:
        """Go to a row, now or as soon as it is there."""
        self._wish = None if self.table.move_cursor_to(key) else key

    @property
    def cursor_key(self) -> Hashable | None:
        """Identity of the row under the cursor."""
        return self.table.cursor_key

    @property
    def remark(self) -> str:
        """The filter, while there is one: rows that are not shown must not be forgotten."""
        marks = f"{self.table.marks} marked" if self.table.marks else ""
        return " · ".join(filter(None, (marks, self.typed_filter and f"/{self.typed_filter}")))

    def set_filter(self, typed: str) -> None:
        """Show only the rows that fit."""
        self.typed_filter = typed
        self.rebuild()
        if isinstance(self.screen, Page):
            self.screen.refresh_frame()

    def action_filter(self) -> None:
        """Type a filter; every letter counts at once, Escape takes it back."""
        before = self.typed_filter
        self.screen.query_one(Prompt).open(
            "/",
            before,
            enter=self.set_filter,
            change=self.set_filter,
            cancel=lambda: self.set_filter(before),
        )

    def action_save(self) -> None:
        """Write the table to a file."""
        if isinstance(self.screen, Page):
            table = self.table
            self.screen.ask_to_save(table, lambda: rows_as_mappings(table.columns, table.rows))

    def action_clear_filter(self) -> None:
        """Escape: the marks and the filter first."""
        self.table.clear_marks()
        self.set_filter("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a filter Escape is the page's."""
        if action == "clear_filter":
            return bool(self.typed_filter or self.table.marks)
        return super().check_action(action, parameters)

    def toggle_row(self, key: Hashable) -> None:
        """Space on a row that has others below it."""
        self.folded ^= {key}
        self.rebuild()

    @on(RowTable.Toggled)
    def _fold(self, event: RowTable.Toggled) -> None:
        event.stop()
        self.toggle_row(event.key)

    @on(RowTable.Marked)
    def _marked(self, event: RowTable.Marked) -> None:
        event.stop()
        self.refresh_bindings()
        if isinstance(self.screen, Page):
            self.screen.refresh_frame()

    @on(RowTable.SortRequested)
    def _sort_by(self, event: RowTable.SortRequested) -> None:
        if event.column in self.sort_keys():
            event.stop()
            self._sorted_by, self._reverse = event.column, event.reverse
            self.rebuild()

    @on(RowTable.Selected)
    def _open(self, event: RowTable.Selected) -> None:
        event.stop()
        self.open_row(event.key)


def tree_row(key: Hashable, cells: Sequence[Cell], line: Line[Any], style: str = "") -> Row:
    """A row with the guide and the fold mark of its place in a forest."""
    return Row(
        key,
        tuple(cells),
        style=style,
        prefix=line.guide,
        expandable=line.below > 0,
        expanded=not line.folded,
    )
