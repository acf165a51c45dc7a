"""A scrolling page of facts in columns; keeps its place when the facts change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from nsview.tui.rows.grid import Grid, Line, lay_out

#: Colours of the theme; red always comes with a word that says the same.
_STYLES: dict[str, str] = {
    "title": "bold $text-accent",
    "header": "bold $foreground 60%",
    "label": "$foreground 70%",
    "dim": "$foreground 50%",
    "alert": "bold $text-error",
    "good": "$text-success",
    "warn": "$text-warning",
}


class Facts(VerticalScroll, can_focus=True):
    """Shows grids; nothing in them is ever taken for markup or obeyed by the terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
    ]
    DEFAULT_CSS = """
    Facts { scrollbar-size-vertical: 1; }
    Facts > Static { width: auto; height: auto; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._grids: tuple[Grid, ...] = ()
        self._lines: list[Line] = []
        self._page = Static(markup=False)

    def compose(self) -> ComposeResult:
        """One page, as long as it needs to be."""
        yield self._page

    def show(self, grids: Sequence[Grid]) -> None:
        """Show these facts from now on; nothing is drawn when they say the same as before."""
        if tuple(grids) != self._grids:
            self._grids = tuple(grids)
            self._lay_out()

    @property
    def text(self) -> str:
        """What the page says, without colours."""
        return "\n".join("".join(text for text, _ in line) for line in self._lines)

    def on_resize(self, _event: events.Resize) -> None:
        """Lay the same facts out for another width."""
        self._lay_out()

    def _lay_out(self) -> None:
        padding = 2
        width = self.scrollable_content_region.width - padding
        if width <= 0:
            return
        lines = lay_out(self._grids, width)
        if lines != self._lines:
            self._lines = lines
            self._page.update(Content("\n").join(_content(line) for line in lines))


def _content(line: Line) -> Content:
    return Content.assemble(*((text, _STYLES.get(style, "")) for text, style in line))
