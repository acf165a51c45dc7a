"""What all windows on top of a page share: one answer, and a click beside one closes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen, ScreenResultType


def is_closed(screen: Screen[Any]) -> bool:
    """Say whether it has been left, before it was made even: then nothing is on it."""
    return screen not in screen.app.screen_stack


class Question(ModalScreen[ScreenResultType]):
    """Gives back one answer, and closes itself, not what is on top of it or below."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Answer; a second time, as by two quick keys, is none."""
        if is_closed(self):
            return AwaitComplete()
        while self.app.screen is not self:
            self.app.pop_screen()
        return super().dismiss(result)


class Window(Question[ScreenResultType]):
    """Its content is in a container of class ``window``."""

    CSS_PATH = Path(__file__).with_name("dialog.tcss")

    def on_click(self, event: events.Click) -> None:
        """No answer, by mouse."""
        if event.widget is self and self.is_current:
            event.stop()
            self.dismiss()
