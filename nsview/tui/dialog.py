"""A small window with a list to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from nsview.display import display
from nsview.tui.row_table import Column, Row, RowTable
from nsview.tui.window import Window, is_closed

T = TypeVar("T")


class ChoiceScreen(Window[T | None], Generic[T]):
    """`choices`: (value, text) each. Gives back the value, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace", "cancel", "cancel", id="dialog.cancel"),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[tuple[T, str]],
        *,
        chosen: T | None = None,
        note: str = "",
    ) -> None:
        super().__init__()
        self._title_text = display(title)
        self._choices = choices
        self._chosen = chosen
        self._note = display(note)

    def compose(self) -> ComposeResult:
        """A title, the list, what Enter does."""
        with Vertical(classes="window"):
            yield Static(self._title_text, markup=False, classes="title")
            yield RowTable([Column(key="choice", title="", flex=True, sortable=False)])
            if self._note:
                yield Static(self._note, markup=False, classes="note")

    def on_mount(self) -> None:
        """The cursor is on what is chosen now."""
        if is_closed(self):
            return
        table = self.query_one(RowTable)
        table.set_rows([Row(number, (text,)) for number, (_, text) in enumerate(self._choices)])
        values = [value for value, _ in self._choices]
        if self._chosen in values:
            table.move_cursor_to(values.index(self._chosen))
        table.focus()

    @on(RowTable.Selected)
    def _choose(self, event: RowTable.Selected) -> None:
        event.stop()
        assert isinstance(event.key, int)
        self.dismiss(self._choices[event.key][0])

    def action_cancel(self) -> None:
        """Nothing."""
        self.dismiss(None)
