"""The row of tabs on a container page: ``[1 Summary] ▐2 Processes▌``."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class TabBar(Widget):
    """Shows which tab is active; a click chooses one. The names are our own words."""

    class Chosen(Message):
        """The user clicked a tab."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    active: reactive[int] = reactive(0)

    def __init__(self, names: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names = tuple(names)

    def render(self) -> Content:
        """One line; the active tab stands out without colour too."""
        pieces: list[tuple[str, str]] = []
        for index, label in enumerate(self._labels()):
            active = index == self.active
            pieces += [(" ", ""), (label, "bold $text-accent" if active else "")]
        return Content.assemble(*pieces)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        start = 0
        for index, label in enumerate(self._labels()):
            end = start + 1 + len(label)
            if start < event.x < end:
                self.post_message(self.Chosen(index))
                return
            start = end

    def _labels(self) -> list[str]:
        return [
            f"▐{number} {name}▌" if number == self.active + 1 else f"[{number} {name}]"
            for number, name in enumerate(self._names, start=1)
        ]
