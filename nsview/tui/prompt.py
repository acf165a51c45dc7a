"""The line at the bottom in which commands, filters and file names are typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

Complete = Callable[[str], Sequence[str]]
"""What may become of what was typed so far: whole lines, the best first."""


class _Completion(Suggester):
    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """The rest of the first completion is shown dim."""
        return next((line for line in self._complete(value) if line.startswith(value)), None)


class Prompt(Widget):
    """Takes the place of the hints while somebody types; Escape gives it back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "cancel", id="prompt.cancel"),
        Binding("tab,down", "complete(1)", "complete", priority=True, id="prompt.complete"),
        Binding("shift+tab,up", "complete(-1)", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._complete: Complete | None = None
        self._typed = ""
        self._choice = -1
        self._when_changed: Callable[[str], object] | None = None
        self._when_entered: Callable[[str], object] | None = None
        self._when_cancelled: Callable[[], object] | None = None
        self._return_to: Widget | None = None

    def compose(self) -> ComposeResult:
        """What it is for, and what is typed."""
        yield Static(markup=False)
        yield Input(select_on_focus=False)

    @property
    def is_open(self) -> bool:
        """Somebody types."""
        return self.screen.has_class("-prompting")

    def open(
        self,
        label: str,
        value: str = "",
        *,
        enter: Callable[[str], object],
        change: Callable[[str], object] | None = None,
        cancel: Callable[[], object] | None = None,
        complete: Complete | None = None,
    ) -> None:
        """Ask. `change` is called with every letter, `enter` or `cancel` once at the end."""
        self._when_entered, self._when_changed, self._when_cancelled = enter, None, cancel
        self._complete, self._choice = complete, -1
        field = self.query_one(Input)
        field.suggester = _Completion(complete) if complete else None
        with self.prevent(Input.Changed):
            field.value = value
        field.cursor_position = len(value)
        self._when_changed = change
        self.query_one(Static).update(label)
        self._return_to = self.screen.focused
        self.screen.add_class("-prompting")
        # At once: Widget.focus() would come after the keys that were typed in one go.
        self.screen.set_focus(field)

    def _close(self) -> None:
        self.screen.remove_class("-prompting")
        self.screen.set_focus(self._return_to)

    def action_close(self) -> None:
        """Escape."""
        self._close()
        if self._when_cancelled:
            self._when_cancelled()

    def action_complete(self, step: int) -> None:
        """Tab goes through what may become of what was typed."""
        field = self.query_one(Input)
        if self._complete is None:
            return
        if self._choice < 0:
            self._typed = field.value
        lines = self._complete(self._typed)
        if lines:
            first = 0 if step > 0 else len(lines) - 1
            self._choice = first if self._choice < 0 else (self._choice + step) % len(lines)
            with self.prevent(Input.Changed):
                field.value = lines[self._choice]
            field.cursor_position = len(field.value)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._choice = -1
        if self._when_changed:
            self._when_changed(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()
        if self._when_entered:
            self._when_entered(event.value)
