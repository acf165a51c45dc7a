"""What `/` takes: words that a row must hold, ``!`` in front for rows without, ``~`` for fuzzy.

Plain words and no regular expressions: the text that is searched was written by others, and a
pattern that meets the wrong text can keep Python's `re` busy for minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from nsview.tui.row_layout import Cell, Row

_GUIDE_CELLS = 2
"""Of a tree's prefix, for each level."""


class Filter(NamedTuple):
    """What was typed. An empty one lets everything pass."""

    words: tuple[str, ...]
    """Case-folded when `any_case`."""
    sense: Literal["with", "without", "fuzzy"] = "with"
    any_case: bool = True
    """Nothing was typed in upper case."""

    def __bool__(self) -> bool:
        """Whether it keeps anything out."""
        return bool(self.words)

    def matches(self, text: str) -> bool:
        """Whether a row with that text passes."""
        if not self.words:
            return True
        if self.any_case:
            text = text.casefold()
        if self.sense == "fuzzy":
            return all(_in_order(word, text) for word in self.words)
        return all(word in text for word in self.words) == (self.sense == "with")


def parse_filter(typed: str) -> Filter:
    """Understand what was typed; anything is a filter."""
    sense: Literal["with", "without", "fuzzy"] = "with"
    if typed[:1] in ("!", "~"):
        sense = "without" if typed[0] == "!" else "fuzzy"
        typed = typed[1:]
    any_case = typed == typed.lower()
    words = (typed.casefold() if any_case else typed).split()
    return Filter(tuple(words), sense, any_case)


# Each letter occurs after the one before it: "ngx" is in "nginx".
def _in_order(word: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in word)


def filter_rows(rows: Sequence[Row], wanted: Filter) -> list[Row]:
    """The rows that pass, and dim the rows of a tree that lead to them."""
    if not wanted:
        return list(rows)
    kept: list[Row] = []
    path: list[Row] = []  # the rows above this one, from the root on, not yet kept
    for row in rows:
        depth = len(row.prefix) // _GUIDE_CELLS
        path = [one for one in path if len(one.prefix) // _GUIDE_CELLS < depth]
        if wanted.matches(row_text(row)):
            kept += [one._replace(style="dim") for one in path]
            kept.append(row)
            path = []
        else:
            path.append(row)
    return kept


def row_text(row: Row) -> str:
    """What is searched: all cells, as the system wrote them."""
    return " ".join(cell.text if isinstance(cell, Cell) else cell for cell in row.cells)
