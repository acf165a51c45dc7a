"""What all windows on top of a page have in common: a click beside one closes it."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.screen import ModalScreen, ScreenResultType


class Window(ModalScreen[ScreenResultType]):
    """Its content is in a container of class ``window``."""

    CSS_PATH = Path(__file__).with_name("dialog.tcss")

    def on_click(self, event: events.Click) -> None:
        """No answer, by mouse."""
        if event.widget is self and self.is_current:
            event.stop()
            self.dismiss()
