"""Facts in columns, laid out for a width: what object pages and the Summary are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from nsview.display import display
from nsview.tui.row_layout import Cell, Piece

Line = tuple[Piece, ...]
"""One screen line: display-safe pieces and the names of their styles."""

_GAP = 2
#: A cell that is not the last of its row is cut here.
_WIDEST = 34
#: The last column gets at least this much, even where the line is then cut at the right.
_LEAST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Rows under a title; the last cell of a row is wrapped, the others are cut."""

    title: str
    rows: tuple[tuple[Cell, ...], ...]
    headers: tuple[str, ...] = ()


def fact(label: str, text: str, style: str = "") -> tuple[Cell, Cell]:
    """A row of two cells."""
    return Cell(label, "label"), Cell(text, style)


def lay_out(grids: Sequence[Grid], width: int) -> list[Line]:
    """Lines of at most `width` cells, an empty one between two grids."""
    lines: list[Line] = []
    for grid in grids:
        if lines:
            lines.append(())
        if grid.title:
            lines.append(((display(grid.title), "title"),))
        headers = tuple(Cell(text, "header") for text in grid.headers)
        rows = [headers, *grid.rows] if headers else list(grid.rows)
        widths = _narrowed(_widths(rows), width)
        for row in rows:
            lines += _row_lines(row, widths, width)
    return lines


def _widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    widths: list[int] = []
    for row in rows:
        for index, cell in enumerate(row[:-1]):
            if index == len(widths):
                widths.append(0)
            widths[index] = min(_WIDEST, max(widths[index], cell_len(display(cell.text))))
    return widths


# Wide columns give way first, so that the last one keeps some room.
def _narrowed(widths: list[int], width: int) -> list[int]:
    widths = list(widths)
    room = width - _LEAST - _GAP * len(widths)
    while sum(widths) > room and max(widths, default=0) > _LEAST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _row_lines(row: Sequence[Cell], widths: Sequence[int], width: int) -> Iterator[Line]:
    if not row:
        return
    head: list[Piece] = []
    indent = 0
    for cell, room in zip(row[:-1], widths, strict=False):
        text = _cut(display(cell.text), room)
        head.append((text + " " * (room - cell_len(text) + _GAP), cell.style))
        indent += room + _GAP
    last = row[-1]
    pieces = wrap(display(last.text), max(_LEAST, width - indent))
    yield (*head, (pieces[0], last.style))
    for piece in pieces[1:]:
        yield ((" " * indent, ""), (piece, last.style))


def _cut(text: str, room: int) -> str:
    if cell_len(text) <= room:
        return text
    return chop_cells(text, room - 1)[0] + "…"


def wrap(text: str, width: int) -> list[str]:
    """Break at spaces; a word that is wider than a line is broken anywhere. Never empty."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= width:
            lines[-1] = joined
            continue
        pieces = chop_cells(word, width)
        if lines[-1]:
            lines += pieces
        else:
            lines[-1:] = pieces
    return lines
