"""Tables that are built before they are shown, by whichever thread has the time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nsview.tui.row_layout import Column, Row, measure


class Built(NamedTuple):
    """A table before it is shown, and how wide its columns have to be."""

    columns: tuple[Column, ...]
    rows: list[Row]
    widths: list[int]


class TableBuilder:
    """Remembers the last one. For one thread at a time."""

    def __init__(self) -> None:
        self._built = Built((), [], [])

    def build(self, columns: Sequence[Column], rows: list[Row]) -> Built:
        """Measure them: widths never shrink, and most rows are the same objects as before."""
        columns, before = tuple(columns), self._built
        if before.columns == columns:
            known = set(map(id, before.rows))
            fresh = measure(columns, [row for row in rows if id(row) not in known])
            widths = list(map(max, before.widths, fresh))
        else:
            widths = measure(columns, rows)
        self._built = Built(columns, rows, widths)
        return self._built
