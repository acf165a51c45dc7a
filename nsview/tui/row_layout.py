"""Cells, rows and columns of a table, and how many screen cells each column gets. Pure.

Text enters as the system has it; `pieces` is the one place in which a table makes it safe.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

from nsview.display import display

#: Cells between two columns.
GAP = 2
#: Nobody reads more of one cell, and a hostile name may be megabytes long.
_LONGEST = 2000

Piece = tuple[str, str]
"""Display-safe text, and the name of its style."""


class Cell(NamedTuple):
    """Text as the system has it. `style` names a component class: ``row-table--<style>``."""

    text: str
    style: str = ""
    spans: tuple[tuple[int, int, str], ...] = ()
    """(start, end, style) of parts of `text` that look different; ascending, not overlapping."""


class Row(NamedTuple):
    """One line. Two rows with the same key are the same thing, seen at two moments."""

    key: Hashable
    cells: tuple[Cell | str, ...]
    """One for each column; a single one alone is a remark that takes the whole line."""
    style: str = ""
    """Of the whole line, below the cells' own."""
    prefix: str = ""
    """Drawn in front of the text of the tree column: indentation, ``│ ``."""
    expandable: bool = False
    expanded: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. Without `width` it is as wide as its content, within `min_width`..`max_width`.

    worth     None: always there. Else the columns of the least worth go first when it gets narrow,
              the rightmost of equals before the others.
    flex      takes the rest of the width. The last column, being flex, goes on beyond the right
              edge: scroll to read it; any other one is cut to what is left.
    tree      is where `Row.prefix` and the fold marks are drawn.
    letter    sorts by it, together with Shift.
    """

    key: str
    title: str
    width: int | None = None
    min_width: int = 1
    max_width: int = 40
    align: Literal["left", "right"] = "left"
    worth: int | None = None
    flex: bool = False
    tree: bool = False
    sortable: bool = True
    letter: str = ""


class Placed(NamedTuple):
    """A column that is shown: the index of its cell, where it begins and how wide it is."""

    at: int
    column: Column
    start: int
    width: int


def measure(columns: Sequence[Column], rows: Sequence[Row]) -> list[int]:
    """The width of the widest content of each column, in screen cells, bounded by the column."""
    widths = []
    single = len(columns) == 1
    for index, column in enumerate(columns):
        if column.width is not None:
            widths.append(column.width)
            continue
        title = cell_len(column.title)
        texts = [_text(row, index, column) for row in rows if len(row.cells) > 1 or single]
        longest = _LONGEST if column.flex else column.max_width
        widest = min(max(title, _widest(texts)), longest)
        widths.append(max(widest, column.min_width))
    return widths


def _text(row: Row, index: int, column: Column) -> str:
    cell = row.cells[index]
    text = cell if cell.__class__ is str else cell.text  # type: ignore[union-attr]
    return row.prefix + fold_mark(row) + text if column.tree else text


def _widest(texts: list[str]) -> int:
    joined = "".join(texts)
    if joined.isascii() and joined.isprintable():  # nearly always: one cell a character
        return max(map(len, texts), default=0)
    return max((cell_len(display(text[:_LONGEST])) for text in texts), default=0)


def place(columns: Sequence[Column], widths: Sequence[int], available: int) -> list[Placed]:
    """Which columns fit into `available` cells, where, and how wide."""
    least = [
        column.min_width if column.flex else width
        for column, width in zip(columns, widths, strict=True)
    ]
    shown = list(range(len(columns)))
    while shown and sum(least[i] for i in shown) + GAP * (len(shown) - 1) > available:
        droppable = [i for i in shown if columns[i].worth is not None]
        if not droppable:
            break
        shown.remove(min(droppable, key=lambda i: (columns[i].worth, -i)))
    flexible = [i for i in shown if columns[i].flex]
    fixed = sum(widths[i] for i in shown if i not in flexible) + GAP * max(0, len(shown) - 1)
    rest = available - fixed - sum(least[i] for i in flexible)
    placed: list[Placed] = []
    start = 0
    for i in shown:
        width = widths[i]
        if columns[i].flex:
            width = _flex_width(widths[i], least[i], rest, last=i == shown[-1])
            rest -= max(0, width - least[i])
        placed.append(Placed(i, columns[i], start, width))
        start += width + GAP
    return placed


def _flex_width(content: int, least: int, rest: int, *, last: bool) -> int:
    given = least + max(0, rest)
    return max(content, given) if last else min(max(content, least), given)


def fold_mark(row: Row) -> str:
    """What tells that Space unfolds a row, or folds it."""
    if not row.expandable:
        return ""
    return "▾ " if row.expanded else "▸ "


def pieces(row: Row, placed: Placed) -> Sequence[Piece]:
    """The text of a cell, display-safe and exactly as wide as its column."""
    at, column, _, width = placed
    if column.tree:
        lead = ((row.prefix, "tree"), (fold_mark(row), "tree"))
        return fit(_safe((*lead, *_styled(row.cells[at]))), width, column.align)
    return _cell_pieces(row.cells[at], width, column.align)


#: A row that changes has one or two cells that do, and many rows say the same in a column.
@functools.lru_cache(maxsize=4096)
def _cell_pieces(cell: Cell | str, width: int, align: str) -> Sequence[Piece]:
    return tuple(fit(_safe(_styled(cell)), width, align))


def _safe(parts: Iterable[Piece]) -> list[Piece]:
    return [(display(text), style) for text, style in parts if text]


def remark(row: Row) -> list[Piece]:
    """The text of a row that has a single cell, as long as it is."""
    return _safe(_styled(row.cells[0]))


def _styled(cell: Cell | str) -> list[Piece]:
    if isinstance(cell, str):
        return [(cell[:_LONGEST], "")]
    text = cell.text[:_LONGEST]
    if not cell.spans:
        return [(text, cell.style)]
    parts = []
    position = 0
    for start, end, style in cell.spans:
        parts += [(text[position:start], cell.style), (text[start:end], style)]
        position = end
    parts.append((text[position:], cell.style))
    return parts


def fit(parts: Iterable[Piece], width: int, align: str) -> list[Piece]:
    """Pad or cut to exactly `width` screen cells."""
    parts = list(parts)
    used = sum(cell_len(text) for text, _ in parts)
    if used <= width:
        if used == width:
            return parts
        space = (" " * (width - used), "")
        return [space, *parts] if align == "right" else [*parts, space]
    kept: list[Piece] = []
    room = width - 1
    for text, style in parts:
        length = cell_len(text)
        if length > room:
            # A wide character that would be cut in two becomes a space.
            kept += [(set_cell_size(text, room), style), ("…", "dim")]
            break
        kept.append((text, style))
        room -= length
    return kept
