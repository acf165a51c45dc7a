"""Which rows of a table stay while a filter is set."""

from __future__ import annotations

from collections.abc import Sequence

from nsview.tui.row_layout import Cell, Row
from nsview.tui.rows.filter import compile_filter

_GUIDE_CELLS = 2
"""Of a tree's prefix, for each level."""


def filter_rows(rows: Sequence[Row], typed: str) -> list[Row]:
    """The rows whose text fits what was typed after ``/``, and, dim, those that lead to them."""
    if not typed:
        return list(rows)
    fits = compile_filter(typed)
    kept: list[Row] = []
    path: list[Row] = []  # the rows above this one, from the root on, that are not kept yet
    for row in rows:
        depth = len(row.prefix) // _GUIDE_CELLS
        path = [one for one in path if len(one.prefix) // _GUIDE_CELLS < depth]
        if fits(row_text(row)):
            kept += [one._replace(style="dim") for one in path]
            kept.append(row)
            path = []
        else:
            path.append(row)
    return kept


def row_text(row: Row) -> str:
    """What is searched: all cells, as the system wrote them."""
    return " ".join(cell.text if isinstance(cell, Cell) else cell for cell in row.cells)
