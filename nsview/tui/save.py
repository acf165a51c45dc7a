"""Save a table to a file: plain text, or JSON when the name says so. Never over another file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from rich.cells import cell_len

from nsview.display import display
from nsview.errors import NsviewError
from nsview.tui.row_layout import Cell, Column, Row, fold_mark
from nsview.tui.text_screen import plain


def save(path: str, columns: Sequence[Column], rows: Sequence[Row], things: object) -> str:
    """Write the table as it is shown, or `things` as JSON; returns the absolute path.

    Raises `NsviewError` when the file exists or cannot be written.
    """
    path = os.path.abspath(os.path.expanduser(path))
    as_json = path.endswith(".json")
    text = json.dumps(plain(things), indent=2) + "\n" if as_json else table_text(columns, rows)
    try:
        # "x": O_EXCL follows no symlink either, so nothing can be overwritten in between.
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise NsviewError(f"{path} exists", hint="choose another name") from None
    except OSError as error:
        raise NsviewError(f"{path}: {error.strerror}") from None
    return path


def rows_as_mappings(columns: Sequence[Column], rows: Sequence[Row]) -> list[dict[str, str]]:
    """What each row says in each column, for JSON; remarks are left out."""
    return [
        {column.key: _text(cell) for column, cell in zip(columns, row.cells, strict=True)}
        for row in rows
        if len(row.cells) == len(columns)
    ]


def _text(cell: Cell | str) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def table_text(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """All columns, aligned, display-safe."""
    lines = [[column.title for column in columns]]
    for row in rows:
        if len(row.cells) < len(columns):
            continue  # a remark, no line of the table
        texts = map(_text, row.cells)
        lines.append([
            display(row.prefix + fold_mark(row) + text if column.tree else text)
            for column, text in zip(columns, texts, strict=False)
        ])  # fmt: skip
    widths = [max(cell_len(text) for text in column) for column in zip(*lines, strict=True)]
    return "".join(_line(line, columns, widths) for line in lines)


def _line(texts: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    cells = []
    for text, column, width in zip(texts, columns, widths, strict=True):
        space = " " * (width - cell_len(text))
        cells.append(space + text if column.align == "right" else text + space)
    return "  ".join(cells).rstrip() + "\n"
