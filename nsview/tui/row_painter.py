"""Draws the lines of a `RowTable`, and remembers what it has drawn."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip
from textual.widget import Widget

from nsview.tui.row_layout import GAP, Placed, Row, fit, pieces, remark

#: Lines that are kept: a few screens of them.
_KEPT = 1000


class _Drawn(NamedTuple):
    row: Row
    strip: Strip


class RowPainter:
    """Colours come from the component classes ``row-table--<style>`` of the widget."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._strips: LRUCache[tuple[Hashable, tuple[str, ...]], _Drawn] = LRUCache(_KEPT)
        self._styles: dict[tuple[str, ...], Style] = {}
        self._looks: dict[Style, Style] = {}

    def forget_rows(self) -> None:
        """The columns are elsewhere now."""
        self._strips.clear()

    def forget(self) -> None:
        """The theme has changed."""
        self._styles.clear()
        self._looks.clear()
        self._strips.clear()

    def row(self, row: Row, columns: Sequence[Placed], state: tuple[str, ...], width: int) -> Strip:
        """One row, whole, or `width` where that is more: so wide is what is seen of it.

        `state`: its style, then that of the cursor if it is there.
        """
        drawn = self._strips.get((row.key, state))
        if drawn is None or drawn.row != row:
            drawn = _Drawn(row, self._draw(row, columns, state, width))
            self._strips[row.key, state] = drawn
        return drawn.strip

    def _draw(
        self, row: Row, columns: Sequence[Placed], state: tuple[str, ...], width: int
    ) -> Strip:
        own, *cursor = state
        if len(row.cells) == 1 and len(columns) > 1:
            return Strip([Segment(t, self.style(own, s, *cursor)) for t, s in remark(row)])
        plain = self.style(*state)
        parts: list[tuple[str, Style]] = []
        for placed in columns:
            parts += [
                (text, self.style(own, style, *cursor) if style else plain)
                for text, style in pieces(row, placed)
            ]
            parts.append((" " * GAP, plain))
        length = columns[-1].start + columns[-1].width if columns else 0
        # The last one stands behind the last column; what is missing would make another strip.
        parts[-1:] = [(" " * max(0, width - length), plain)]
        return _joined(parts, max(length, width))

    def header(self, columns: Sequence[Placed], sorted_by: str | None, reverse: bool) -> Strip:
        """The titles, with an arrow at the column that the rows are sorted by.

        The arrow of a narrow column stands in the gap behind it.
        """
        segments: list[Segment] = []
        room = 0
        for _, column, start, width in columns:
            segments.append(Segment(" " * (start - room), self.style("header")))
            name, title = "header", column.title
            if column.key == sorted_by:
                name, title = "sorted", title + ("▼" if reverse else "▲")
                if column is not columns[-1].column:
                    width += column.align == "right" or cell_len(title) > width
            segments += [
                Segment(text, self.style(style or "header"))
                for text, style in fit([(title, name)], width, column.align)
            ]
            room = start + width
        return Strip(segments).simplify()

    def style(self, *names: str) -> Style:
        """Component styles, the later ones on top of the earlier ones.

        Colours are blended here, for segments know nothing of transparency; the terminal's own 16
        colours are passed on as they are.
        """
        if names not in self._styles:
            _, _, background, color = self._widget.colors
            text_style = Style()
            for name in filter(None, names):
                styles = self._widget.get_component_styles(f"row-table--{name}")
                if styles.has_rule("background"):
                    background += styles.background
                if styles.has_rule("color"):
                    color = styles.color
                text_style += styles.text_style
            over = Style.from_color((background + color).rich_color, background.rich_color)
            # One object for what looks the same: `_joined` need not compare.
            style = over + text_style
            self._styles[names] = self._looks.setdefault(style, style)
        return self._styles[names]


def _joined(parts: Iterable[tuple[str, Style]], length: int) -> Strip:
    """Neighbours that look the same become one: bytes are what a repaint costs over ssh."""
    segments: list[Segment] = []
    texts: list[str] = []
    last: Style | None = None
    for text, style in parts:
        if style is not last and texts:
            segments.append(Segment("".join(texts), last))
            texts.clear()
        texts.append(text)
        last = style
    segments.append(Segment("".join(texts), last))
    return Strip(segments, length)
