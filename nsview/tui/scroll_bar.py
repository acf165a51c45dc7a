"""The scroll bar beside a table: drawn anew only where it looks different."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollBarRender


def fit_bar(view: ScrollView) -> None:
    """Tell it how many lines there are now; it comes and goes with the need for it."""
    before, lines = view.show_vertical_scrollbar, view.virtual_size.height
    view._refresh_scrollbars()
    if not (before and view.show_vertical_scrollbar):
        view._scroll_update(view.virtual_size)
        return
    bar = view.vertical_scrollbar
    # Of thousands of lines, one more moves nothing that is seen.
    if _picture(bar, lines) == _picture(bar, bar.window_virtual_size):
        bar.set_reactive(ScrollBar.window_virtual_size, lines)
    else:
        bar.window_virtual_size = lines


def _picture(bar: ScrollBar, lines: int) -> Sequence[Segment]:
    drawn = ScrollBarRender.render_bar(bar.size.height, lines, bar.window_size, bar.position)
    return drawn.segments
