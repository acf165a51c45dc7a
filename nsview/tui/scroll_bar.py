"""The scroll bar beside a table: drawn anew only where it looks different."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.scrollbar import ScrollBar, ScrollBarRender


def set_length(bar: ScrollBar, lines: int) -> None:
    """So many lines are beside it: of thousands, one more moves nothing that is seen."""
    if _picture(bar, lines) == _picture(bar, bar.window_virtual_size):
        bar.set_reactive(ScrollBar.window_virtual_size, lines)
    else:
        bar.window_virtual_size = lines


def _picture(bar: ScrollBar, lines: int) -> Sequence[Segment]:
    drawn = ScrollBarRender.render_bar(bar.size.height, lines, bar.window_size, bar.position)
    return drawn.segments
