"""A chart of the last minutes in a few lines of block characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widget import Widget

from nsview.tui.history import LONGEST
from nsview.tui.rows.charts import chart, peak


class Chart(Widget):
    """`show` values; the newest is at the right. Redrawn only when they differ."""

    DEFAULT_CSS = "Chart { width: 1fr; height: 100%; min-height: 3; padding: 0 1; }"

    def __init__(self, title: str, unit: Callable[[float], str]) -> None:
        super().__init__()
        self._title = title
        self._unit = unit
        self._values: tuple[float, ...] = ()
        self._limit: float | None = None

    def show(self, values: Sequence[float], limit: float | None = None) -> None:
        """The chart is as high as `limit`, or as the highest of the values where that is more."""
        new = tuple(values[-LONGEST:])
        if (new, limit) != (self._values, self._limit):
            self._values, self._limit = new, limit
            self.refresh()

    def render(self) -> Content:
        """A line that says what it is and how high, and the chart."""
        width, height = self.size.width, self.size.height
        if width <= 0 or height <= 1:
            return Content("")
        top = max(peak(self._values), self._limit or 0.0)
        now = self._values[-1] if self._values else float("nan")
        left = f"{self._title}  {self._unit(now) if now == now else '–'}"
        room = width - len(left)
        right = f"{'of' if top == self._limit else 'peak'} {self._unit(top)}" if top else ""
        lines = chart(self._values, width, height - 1, top)
        return Content.assemble(
            (left[:width], "bold"),
            (right.rjust(room) if len(right) < room else "", "$foreground 50%"),
            ("\n" + "\n".join(lines), "$text-accent"),
        )
