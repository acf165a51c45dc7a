"""Tables that are built before they are shown, by whichever thread has the time. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from nsview.tui.attic import Attic
from nsview.tui.row_layout import Column, Row, measure


class Built(NamedTuple):
    """A table before it is shown: how wide its columns have to be, and where each row is."""

    columns: tuple[Column, ...]
    rows: list[Row]
    widths: list[int]
    numbers: Mapping[Hashable, int]
    """Number of a row by its key."""


class TableBuilder:
    """Remembers the last one. For one thread at a time."""

    def __init__(self) -> None:
        self._built = Built((), [], [], {})
        self._attic = Attic()

    def build(self, columns: Sequence[Column], rows: list[Row]) -> Built:
        """Measure and number them; whatever is as it was is the same object as before.

        So whoever shows it tells what is new without comparing texts. Widths never shrink.
        """
        columns, before = tuple(columns), self._built
        known = set(map(id, before.rows))
        rows = [row if id(row) in known else _as_before(row, before) for row in rows]
        if before.columns != columns:
            widths = measure(columns, rows)
        elif rows == before.rows:
            return before
        else:
            fresh = measure(columns, [row for row in rows if id(row) not in known])
            widths = list(map(max, before.widths, fresh))
        self._built = Built(columns, rows, widths, number_rows(rows))
        self._attic.keep(rows)
        return self._built


def number_rows(rows: Sequence[Row]) -> dict[Hashable, int]:
    """Number of each row by its key."""
    return {row.key: number for number, row in enumerate(rows)}


def _as_before(row: Row, before: Built) -> Row:
    number = before.numbers.get(row.key)
    return before.rows[number] if number is not None and before.rows[number] == row else row
