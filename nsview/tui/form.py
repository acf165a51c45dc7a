"""Windows with fields to fill in. No click beside one closes it: what is typed would be lost."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ScreenResultType
from textual.widget import Widget
from textual.widgets import Input, Static

from nsview.tui.window import Question


class Form(Question[ScreenResultType]):
    """Its content is in a container of class ``window``."""

    CSS_PATH = Path(__file__).with_suffix(".tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="dialog.cancel"),
        # By priority, and at once: what is typed in one go goes to the field that it is meant for.
        Binding("tab,down", "move(1)", show=False, priority=True),
        Binding("shift+tab,up", "move(-1)", show=False, priority=True),
    ]

    def action_move(self, step: int) -> None:
        """To the next field; around the ends."""
        fields = list(self.query("Input, ChoiceField").results(Widget))
        # Not `has_focus`, which an event sets later.
        at = next((number for number, one in enumerate(fields) if one is self.focused), 0)
        self.set_focus(fields[(at + step) % len(fields)])

    def action_cancel(self) -> None:
        """Nothing."""
        self.dismiss()


def line(name: str, *fields: Widget) -> ComposeResult:
    """Fields beside what they are called."""
    with Horizontal():
        yield Static(name, markup=False, classes="name")
        yield from fields


def field(name: str, value: str = "", usual: str = "") -> Input:
    """One to be typed into; `usual` is what it says while it is empty."""
    return Input(value, placeholder=usual, id=name, select_on_focus=False)
