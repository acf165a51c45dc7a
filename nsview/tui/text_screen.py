"""A window with lines of text or rows of a table: raw JSON, files, blame."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from nsview.display import display
from nsview.tui.filtering import row_text
from nsview.tui.prompt import Prompt
from nsview.tui.row_table import Column, Row, RowTable
from nsview.tui.rows.filter import compile_filter
from nsview.tui.window import Window, is_closed

_KEYS = "Esc close   / search   ← → scroll sideways"


class TableScreen(Window[None]):
    """Rows in a window, to be scrolled in both directions and searched."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace,y", "close", "close", id="text.close"),
        Binding("slash,f4", "search", "search", priority=True, id="text.search"),
        Binding("n", "next(1)", "next that fits", show=False, id="text.next"),
        Binding("N", "next(-1)", "the one before", show=False, id="text.previous"),
    ]

    def __init__(
        self, title: str, columns: Sequence[Column], rows: Sequence[Row], note: str = ""
    ) -> None:
        super().__init__()
        self._title_text = display(title)
        self._columns = columns
        self._rows = rows
        self._note = f"{display(note)}   " if note else ""
        self._typed = ""
        self._found: list[int] = []

    def compose(self) -> ComposeResult:
        """A title and the rows."""
        with Vertical(classes="window"):
            yield Static(self._title_text, markup=False, classes="title")
            yield RowTable(self._columns)
            yield Static(f"{self._note}{_KEYS}", markup=False, classes="note")
            yield Prompt()

    def on_mount(self) -> None:
        """All of them at once: only what is in sight is drawn."""
        if is_closed(self):
            return
        table = self.query_one(RowTable)
        table.set_rows(self._rows)
        table.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While somebody types, a slash is a slash."""
        return not (action == "search" and self.has_class("-prompting"))

    def action_search(self) -> None:
        """Ask what to look for, and go to the first row from here on that fits."""
        self.query_one(Prompt).open("/", self._typed, enter=self._search)

    def _search(self, typed: str) -> None:
        self._typed = typed
        fits = compile_filter(typed)
        self._found = [n for n, row in enumerate(self._rows) if typed and fits(row_text(row))]
        self._go(min((n for n in self._found if n >= self._at), default=None))

    def action_next(self, step: int) -> None:
        """The next row that fits, or the one before; around the ends."""
        beyond = [n for n in self._found if (n > self._at if step > 0 else n < self._at)]
        if self._found:
            self._go((beyond or self._found)[0 if step > 0 else -1])

    @property
    def _at(self) -> int:
        row = self.query_one(RowTable).cursor_row
        return 0 if row is None else self._rows.index(row)

    def _go(self, number: int | None) -> None:
        number = self._found[0] if number is None and self._found else number
        if number is not None:
            self.query_one(RowTable).move_cursor_to(self._rows[number].key)
            said = f"{self._found.index(number) + 1} of {len(self._found)}: n next, N before"
        else:
            said = f"nothing fits {self._typed!r}" if self._typed else ""
        said = f"{display(said)}   " if said else ""
        self.query_one(".note", Static).update(Content(f"{said}{self._note}{_KEYS}"))

    def action_close(self) -> None:
        """Back to the page."""
        self.dismiss(None)


class TextScreen(TableScreen):
    """Lines. `width`: screen cells of the widest one, where that is known already."""

    def __init__(
        self, title: str, lines: Sequence[str], *, note: str = "", width: int | None = None
    ) -> None:
        column = Column(key="line", title="", width=width, flex=True, sortable=False)
        rows = [Row(number, (line,)) for number, line in enumerate(lines)]
        super().__init__(title, [column], rows, note)


def json_screen(title: str, thing: object) -> TextScreen:
    """Everything that is known of something, as JSON."""
    return TextScreen(title, json.dumps(plain(thing), indent=2).splitlines())


def plain(thing: object) -> Any:
    """Dataclasses, named tuples and mappings as what JSON can say; keys in their own order."""
    if is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: plain(getattr(thing, field.name)) for field in fields(thing)}
    if isinstance(thing, tuple) and hasattr(thing, "_fields"):
        return {name: plain(value) for name, value in zip(thing._fields, thing, strict=True)}
    if isinstance(thing, Mapping):
        return {key if isinstance(key, str) else str(key): plain(v) for key, v in thing.items()}
    if isinstance(thing, list | tuple | AbstractSet):
        return [plain(one) for one in thing]
    return thing if thing is None or isinstance(thing, bool | int | float | str) else str(thing)
