"""A table of rows that are drawn only when they are seen, with a cursor that stays on a thing.

Textual's DataTable repaints ten times as slowly, and its cursor stays on a *line*: after a re-sort
it is on another process (textual 8.2). Everything here is drawn as plain segments: text is never
taken for markup, and `nsview.display.display` makes it safe for the terminal.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.strip import Strip

from nsview.display import display
from nsview.tui import row_messages
from nsview.tui.built_table import Built, number_rows
from nsview.tui.row_cursor import RowCursor
from nsview.tui.row_layout import GAP, Cell, Column, Placed, Row, fold_mark, measure, place
from nsview.tui.row_painter import RowPainter
from nsview.tui.scroll_bar import fit_bar
from nsview.tui.sort_keys import SortKeys

__all__ = ["Cell", "Column", "Row", "RowTable"]

#: The header is the first line, always in sight.
_HEADER = 1
_WHEEL_LINES = 3
#: Lines with news that are drawn in one go: a key press never waits for a whole screen of them.
_LINES_AT_ONCE = 4
_SIDEWAYS = 8


class RowTable(SortKeys, can_focus=True):
    """`set_columns`, then `set_rows` as often as there is news. Sorts and filters nothing."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"row-table--{name}"
        for name in (
            "header", "sorted", "cursor", "cursor-blurred", "placeholder", "tree", "group",
            "dim", "label", "title", "accent", "good", "warn", "alert",
            "added", "modified", "removed", "marked",
        )
    }  # fmt: skip

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text()

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="table.page-up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="table.page-down"),
        Binding("home,g", "first", "first", show=False, id="table.first"),
        Binding("end,G", "last", "last", show=False, id="table.last"),
        Binding("left", "sideways(-1)", "scroll left", show=False, id="table.left"),
        Binding("right", "sideways(1)", "scroll right", show=False, id="table.right"),
        Binding("enter", "select", "open", key_display="⏎", id="table.open"),
        Binding("space", "fold", "fold, or mark", show=False, id="table.fold"),
    ]

    Selected: TypeAlias = row_messages.Selected
    Highlighted: TypeAlias = row_messages.Highlighted
    Toggled: TypeAlias = row_messages.Toggled
    Marked: TypeAlias = row_messages.Marked
    SortRequested: TypeAlias = row_messages.SortRequested
    SortMenuRequested: TypeAlias = row_messages.SortMenuRequested

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        id: str | None = None,
        placeholder: str = "",
        markable: bool = False,
    ) -> None:
        super().__init__(id=id)
        self._markable = markable
        self._columns = tuple(columns)
        self._cursor = RowCursor()
        self._widths = measure(self._columns, ())
        self._placed: list[Placed] = []
        self._placeholder = placeholder
        self._painter = RowPainter(self)
        self._stale: set[int] = set()
        """Numbers of rows that are to be drawn again, and for which there was no time yet."""
        self._stale_bar = False

    # What it shows.

    @property
    def rows(self) -> Sequence[Row]:
        """The rows as they were given."""
        return self._cursor.rows

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as they were given, whether there is room for them or not."""
        return self._columns

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; the rows go, unless `columns` are those that are there."""
        if tuple(columns) == self._columns:
            return
        self._columns = tuple(columns)
        self._widths = measure(self._columns, ())
        self._cursor.clear()
        self._lay_out()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows. Only what differs is drawn; the cursor stays on its key.

        When that row is gone, the cursor goes to the nearest one that is left.
        """
        rows = list(rows)
        if rows != self._cursor.rows:
            widths = measure(self._columns, rows)
            self._show(Built(self._columns, rows, widths, number_rows(rows)))

    def set_built(self, built: Built) -> None:
        """Show columns and rows that somebody else had the time to measure and to number."""
        self.set_columns(built.columns)
        if built.rows != self._cursor.rows:
            self._show(built)

    def _show(self, built: Built) -> None:
        old, old_key, old_at = self._cursor.rows, self._cursor.key, self._cursor.at
        self._cursor.replace(built.rows, built.numbers)
        if self._widen(built.widths):
            self._lay_out()
        else:
            self._resize()
            self._refresh_changed(old, old_at)
        self._follow_cursor()
        if self._cursor.key != old_key:
            self._tell()

    def set_placeholder(self, text: str) -> None:
        """What to say while there is no row."""
        if text != self._placeholder:
            self._placeholder = text
            self.refresh()

    # The cursor, and the marks.

    @property
    def chosen(self) -> list[Hashable]:
        """The keys of the marked rows in their order; without any, that of the cursor's row."""
        marked = [row.key for row in self.rows if row.key in self._cursor.marked]
        return marked or ([] if self.cursor_row is None else [self.cursor_row.key])

    @property
    def marks(self) -> int:
        """How many rows are marked."""
        return len(self._cursor.marked)

    def clear_marks(self) -> None:
        """Mark none."""
        self._cursor.marked.clear()
        self.refresh()
        self.post_message(self.Marked(self))

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor."""
        return self._cursor.key

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self._cursor.row

    def move_cursor_to(self, key: Hashable) -> bool:
        """Put the cursor on a row; False when there is none of that key."""
        number = self._cursor.find(key)
        if number is not None:
            self._move(number)
        return number is not None

    def _move(self, number: int) -> None:
        before = self._cursor.at
        if self._cursor.move(number):
            self.refresh_line(before + _HEADER)
            self.refresh_line(self._cursor.at + _HEADER)
            self._tell()
        self._follow_cursor()

    def _follow_cursor(self) -> None:
        page = self._page
        top, at = self.scroll_offset.y, self._cursor.at
        if page <= 0 or top <= at < top + page:
            return
        target = at if at < top else at - page + 1
        self.scroll_to(y=target, animate=False, force=True)

    @property
    def _page(self) -> int:
        return self.scrollable_content_region.height - _HEADER

    def _tell(self) -> None:
        self.post_message(self.Highlighted(self, self.cursor_key))

    # Keys.

    def action_move(self, lines: int) -> None:
        """Move the cursor."""
        self._move(self._cursor.at + lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is in sight."""
        self._move(self._cursor.at + pages * max(1, self._page - 1))

    def action_first(self) -> None:
        """The first row."""
        self._move(0)

    def action_last(self) -> None:
        """The last row."""
        self._move(len(self.rows) - 1)

    def action_sideways(self, direction: int) -> None:
        """Scroll to the side, if there is more."""
        self.scroll_to(x=self.scroll_offset.x + direction * _SIDEWAYS, animate=False, force=True)

    def action_select(self) -> None:
        """Open the row under the cursor."""
        if (row := self.cursor_row) is not None:
            self.post_message(self.Selected(self, row.key))

    def action_fold(self) -> None:
        """Fold or unfold the row under the cursor; one without others below it is marked."""
        row = self.cursor_row
        if row is not None and row.expandable:
            self.post_message(self.Toggled(self, row.key))
        elif row is not None and self._markable and len(row.cells) > 1:
            self._cursor.marked ^= {row.key}
            self.refresh_line(self._cursor.at + _HEADER)
            self._move(self._cursor.at + 1)
            self.post_message(self.Marked(self))

    # The mouse.

    def on_click(self, event: events.Click) -> None:
        """Title: sort. Row: put the cursor there; twice: open. Fold mark: fold."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        event.stop()
        x = offset.x + self.scroll_offset.x
        if offset.y < _HEADER:
            self._click_title(x)
            return
        number = offset.y - _HEADER + self.scroll_offset.y
        if number >= len(self.rows):
            return
        self._move(number)
        row = self.rows[number]
        if row.expandable and self._on_mark(row, x):
            self.post_message(self.Toggled(self, row.key))
        elif event.chain == 2:
            self.post_message(self.Selected(self, row.key))

    def _click_title(self, x: int) -> None:
        for _, column, start, width in self._placed:
            if start <= x < start + width + GAP and column.sortable:
                self.ask_order(column.key)

    def _on_mark(self, row: Row, x: int) -> bool:
        for _, column, start, _ in self._placed:
            if column.tree:
                begin = start + len(row.prefix)
                return begin <= x < begin + len(fold_mark(row))
        return False

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls; the cursor stays where it is, as in a pager."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls back."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, direction: int) -> None:
        event.stop()
        event.prevent_default()
        target = self.scroll_offset.y + direction * _WHEEL_LINES
        self.scroll_to(y=target, animate=False, force=True)

    # Drawing.

    def on_resize(self, _event: events.Resize) -> None:
        """Another width: other columns may fit."""
        self._lay_out()
        self._follow_cursor()

    def on_focus(self) -> None:
        """The cursor shows that keys come here."""
        self.refresh_line(self._cursor.at + _HEADER)

    def on_blur(self) -> None:
        """The cursor shows that keys go elsewhere."""
        self.refresh_line(self._cursor.at + _HEADER)

    def notify_style_update(self) -> None:
        """Another theme: nothing that was drawn is of use."""
        super().notify_style_update()
        self._painter.forget()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw what is wanted now; what there was no time for comes with the next frame."""
        if self._stale or self._stale_bar:
            self.call_later(self._refresh_part)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        left, width = self.scroll_offset.x, self.size.width
        number = y - _HEADER + self.scroll_offset.y
        fill = self._painter.style()
        if y < _HEADER:
            strip = self._painter.header(self._placed, *self._sort)
        elif number < len(self.rows):
            state = self._state(number)
            strip = self._painter.row(self.rows[number], self._placed, state, width)
            fill = self._painter.style(*state)
        elif number == 0:
            text = Segment(" " + display(self._placeholder), self._painter.style("placeholder"))
            return Strip([text]).crop_extend(0, width, fill)
        else:
            return Strip.blank(width, fill)
        return strip.crop_extend(left, left + width, fill)

    def _state(self, number: int) -> tuple[str, ...]:
        row = self.rows[number]
        mark = ("marked",) if row.key in self._cursor.marked else ()
        if number != self._cursor.at:
            return (row.style, *mark)
        return (row.style, "cursor" if self.has_focus else "cursor-blurred", *mark)

    def _refresh_changed(self, old: Sequence[Row], old_at: int) -> None:
        top = self.scroll_offset.y
        end = top + self._page
        moved = {old_at, self._cursor.at} if old_at != self._cursor.at else ()
        for number, rows in enumerate(zip_longest(old[top:end], self.rows[top:end]), top):
            before, now = rows
            if before != now or number in moved:
                self._stale.add(number)
        if self._stale:
            self._refresh_part()
        elif self._stale_bar:
            self.call_after_refresh(self._refresh_bar)

    def _refresh_part(self) -> None:
        if not self._stale:
            self._refresh_bar()
        for number in sorted(self._stale)[:_LINES_AT_ONCE]:
            self._stale.discard(number)
            self.refresh_line(number + _HEADER)

    def _refresh_bar(self) -> None:
        if self._stale_bar:
            self._stale_bar = False
            fit_bar(self)

    def _widen(self, needed: Sequence[int]) -> bool:
        # Columns only ever get wider while the table is there: nothing jumps back and forth when
        # a long value comes and goes.
        widths = [max(pair) for pair in zip(self._widths, needed, strict=True)]
        changed = widths != self._widths
        self._widths = widths
        return changed

    def _lay_out(self) -> None:
        placed = place(self._columns, self._widths, self.scrollable_content_region.width)
        if placed != self._placed:
            self._placed = placed
            self._painter.forget_rows()
        self._resize()
        self._refresh_bar()
        self.refresh()

    def _resize(self) -> None:
        # The page is laid out anew, which takes longer than painting the table, only where that is
        # as high as its rows; scroll bars that come or go see to it themselves.
        width = self._placed[-1].start + self._placed[-1].width if self._placed else 0
        size = Size(width, len(self.rows) + _HEADER)
        height = self.styles.height
        if height is None or height.is_auto:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(RowTable.virtual_size, size)
            self.scroll_y = self.validate_scroll_y(self.scroll_y)
            self._stale_bar = True  # to draw it anew takes as long as ten rows
