"""What each layer says of one path, and what lower layers waste, as rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from nsview.layers.blame import Blame
from nsview.layers.stack import Layer, Stack
from nsview.layers.waste import Waste
from nsview.tui.row_layout import Cell, Column, Row
from nsview.tui.rows.stack import instruction, role_words
from nsview.units import byte_size

BLAME_COLUMNS: Final = (
    Column(key="layer", title="LAYER", align="right", sortable=False),
    Column(key="role", title="ROLE", sortable=False),
    Column(key="state", title="STATE", sortable=False),
    Column(key="size", title="SIZE", align="right", sortable=False),
    Column(key="changed", title="CHANGED", worth=1, sortable=False),
    Column(key="made", title="WHAT MADE THE LAYER", min_width=12, flex=True, sortable=False),
)
WASTE_COLUMNS: Final = (
    Column(key="size", title="SIZE", align="right", sortable=False),
    Column(key="files", title="FILES", align="right", worth=1, sortable=False),
    Column(key="layer", title="IN", align="right", sortable=False),
    Column(key="by", title="BY", align="right", sortable=False),
    Column(key="how", title="HOW", sortable=False),
    Column(key="path", title="PATH", min_width=12, flex=True, sortable=False),
)
#: A list that is longer says so; the rest are the smallest.
WASTE_SHOWN: Final = 1000
_STATE_STYLES: Final = {
    "provides": "good", "shadowed": "warn", "whiteout": "removed", "opaque": "removed",
    "absent": "dim",
}  # fmt: skip
_HOW_WORDS: Final = {
    "replaced": "replaced", "deleted": "whiteout", "opaque": "opaque directory",
}  # fmt: skip


def blame_rows(stack: Stack, found: Sequence[Blame]) -> list[Row]:
    """A row for each layer, topmost first."""
    return [_blame_row(stack.layers[one.index], one) for one in found]


def _blame_row(layer: Layer, one: Blame) -> Row:
    style = "dim" if one.state == "absent" else ""
    return Row(
        one.index,
        (
            Cell(str(one.index)),
            Cell(role_words(layer)),
            Cell(_state(one), _STATE_STYLES[one.state]),
            Cell(byte_size(one.size) if one.size is not None and one.type == "file" else "–"),
            Cell(_moment(one.mtime_ns)),
            Cell(instruction(layer) or "–"),
        ),
        style=style,
    )


def _state(one: Blame) -> str:
    words = {"whiteout": "whites out", "opaque": "hides"}.get(one.state, one.state)
    if one.by is not None:
        words += f" (by {one.by})"
    if one.type not in (None, "file"):
        words += f", {one.type}"
    return words + (", opaque" if one.opaque else "")


def _moment(nanoseconds: int | None) -> str:
    if nanoseconds is None:
        return "–"
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(nanoseconds // 10**9))
    except (OverflowError, OSError, ValueError):  # a time that no calendar has
        return "–"


def waste_rows(waste: Waste) -> list[Row]:
    """The largest first."""
    return [
        Row(
            number,
            (
                Cell(byte_size(one.size)),
                Cell(f"{one.files:,}"),
                Cell(str(one.layer)),
                Cell(str(one.by)),
                Cell(_HOW_WORDS[one.how]),
                Cell(one.path),
            ),
        )
        for number, one in enumerate(waste.items[:WASTE_SHOWN])
    ]


def waste_note(waste: Waste) -> str:
    """The total, and how much of the stack can be seen."""
    words = f"{byte_size(waste.wasted)} of {byte_size(waste.total)} are hidden"
    words += f": {waste.efficiency:.1%} can be seen"
    if len(waste.items) > WASTE_SHOWN:
        words += f" · the largest {WASTE_SHOWN:,} of {len(waste.items):,}"
    return " · ".join((words, *waste.notes))
