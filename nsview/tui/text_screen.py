"""A window with lines of text or rows of a table: raw JSON, files, blame."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from nsview.display import display
from nsview.tui.row_table import Column, Row, RowTable


class TableScreen(ModalScreen[None]):
    """Rows in a window, to be scrolled in both directions."""

    CSS_PATH = Path(__file__).with_name("dialog.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace,y", "close", "close", id="text.close"),
    ]

    def __init__(
        self, title: str, columns: Sequence[Column], rows: Sequence[Row], note: str = ""
    ) -> None:
        super().__init__()
        self._title_text = display(title)
        self._columns = columns
        self._rows = rows
        self._note = display(note)

    def compose(self) -> ComposeResult:
        """A title and the rows."""
        with Vertical(classes="window"):
            yield Static(self._title_text, markup=False, classes="title")
            yield RowTable(self._columns)
            note = f"{self._note}   " if self._note else ""
            yield Static(f"{note}Esc close   ← → scroll sideways", markup=False, classes="note")

    def on_mount(self) -> None:
        """All of them at once: only what is in sight is drawn."""
        table = self.query_one(RowTable)
        table.set_rows(self._rows)
        table.focus()

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
