"""A window with lines of text: raw JSON."""

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


class TextScreen(ModalScreen[None]):
    """Lines, to be scrolled in both directions."""

    CSS_PATH = Path(__file__).with_name("dialog.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace,y", "close", "close", id="text.close"),
    ]

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title_text = display(title)
        self._lines = lines

    def compose(self) -> ComposeResult:
        """A title and the lines."""
        with Vertical(classes="window"):
            yield Static(self._title_text, markup=False, classes="title")
            yield RowTable([Column(key="line", title="", flex=True, sortable=False)])
            yield Static("Esc close   ← → scroll sideways", markup=False, classes="note")

    def on_mount(self) -> None:
        """All of them at once: only what is in sight is drawn."""
        table = self.query_one(RowTable)
        table.set_rows([Row(number, (line,)) for number, line in enumerate(self._lines)])
        table.focus()

    def action_close(self) -> None:
        """Back to the page."""
        self.dismiss(None)


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
