"""What a container has changed, as ``docker diff`` has it, as rows: a tree or a flat list."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import Final

from nsview.layers.diff import Changed
from nsview.layers.entry import Change
from nsview.tui.row_layout import Cell, Column, Row
from nsview.tui.rows.file_options import FileOptions
from nsview.tui.rows.outline import outline
from nsview.units import byte_size

CHANGE_COLUMNS: Final = (
    Column(key="kind", title="", width=1, sortable=False),
    Column(key="size", title="SIZE", min_width=7, align="right", sortable=False),
    Column(key="path", title="PATH", min_width=20, tree=True, flex=True, sortable=False),
)
_STYLES: Final[dict[Change, str]] = {"A": "added", "C": "modified", "D": "removed"}
_WORDS: Final[dict[Change, str]] = {"A": "added", "C": "changed", "D": "deleted"}


def change_rows(
    changes: Sequence[Changed],
    options: FileOptions,
    folded: Collection[Hashable],
    *,
    tree: bool,
    limit: int,
) -> list[Row]:
    """Rows by path, `limit` at most; ``("", "more")`` stands for the rest."""
    if tree:
        rows = _tree(changes, options, folded, limit)
    else:
        kept = _kept(changes, options)
        if options.by_size:
            kept = sorted(kept, key=lambda one: -_size(one))
        rows = [_row(one, one.path) for one in kept[:limit]]
        rest = len(kept) - limit
        if rest > 0:
            rows.append(_more(rest))
    return rows


def _kept(changes: Sequence[Changed], options: FileOptions) -> Sequence[Changed]:
    fits = options.test()
    if fits is None:
        return changes
    return [one for one in changes if fits(one.path, one.kind, one.size)]


def _tree(
    changes: Sequence[Changed], options: FileOptions, folded: Collection[Hashable], limit: int
) -> list[Row]:
    kept = _kept(changes, options)
    fitting = {one.path for one in kept}
    above = _leading(fitting)
    shown = [one for one in changes if one.path in fitting or one.path in above]
    lines = outline(shown[:limit], lambda one: one.path, lambda one: _parent(one.path), folded)
    rows = []
    for line in lines:
        one = line.item
        row = _row(one, one.path if line.depth == 0 else one.path.rpartition("/")[2])
        rows.append(
            row._replace(
                prefix=line.guide,
                expandable=line.below > 0,
                expanded=not line.folded,
                style="" if one.path in fitting else "dim",
            )
        )
    if len(shown) > limit:
        rows.append(_more(len(shown) - limit))
    return rows


def _leading(paths: Collection[str]) -> set[str]:
    """The directories above them."""
    above: set[str] = set()
    for path in paths:
        parent = _parent(path)
        while parent and parent not in above:
            above.add(parent)
            parent = _parent(parent)
    return above


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _row(one: Changed, text: str) -> Row:
    style = _STYLES[one.kind]
    size = Cell("–", "dim") if one.size is None else Cell(byte_size(one.size))
    return Row(one.path, (Cell(one.kind, style), size, Cell(text, style)))


def _more(count: int) -> Row:
    return Row(("", "more"), ("", "", Cell(f"… {count:,} more", "dim")))


def _size(one: Changed) -> int:
    return -1 if one.size is None else one.size


def change_words(changes: Sequence[Changed]) -> str:
    """``3 added · 12 changed · 1 deleted``."""
    counts = dict.fromkeys(_WORDS, 0)
    for one in changes:
        counts[one.kind] += 1
    words = [f"{count:,} {_WORDS[kind]}" for kind, count in counts.items() if count]
    return " · ".join(words) or "nothing changed"
