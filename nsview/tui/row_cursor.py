"""The rows of a table, and the one that is meant: wherever it has gone. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import chain, islice

from nsview.tui.row_layout import Row


class RowCursor:
    """Rows in order, a place among them that follows the key of its row, and marked ones."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.at = 0
        self.marked: set[Hashable] = set()
        self._index: Mapping[Hashable, int] = {}
        self._wanted: Hashable | None = None

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.at] if self.at < len(self.rows) else None

    @property
    def key(self) -> Hashable | None:
        """Its key."""
        return None if self.row is None else self.row.key

    def find(self, key: Hashable) -> int | None:
        """Where the row of that key is."""
        return self._index.get(key)

    def replace(self, rows: list[Row], index: Mapping[Hashable, int]) -> None:
        """Other rows. When the cursor's own is gone it goes to the nearest that is left."""
        old, self.rows, self._index = self.rows, rows, index
        wanted = None if self._wanted is None else self._index.get(self._wanted)
        self.at = self._nearest(old) if wanted is None else wanted
        self._wanted = None
        self.marked &= self._index.keys()

    def clear(self) -> None:
        """No rows for now; the same things may come back, and then the cursor is where it was."""
        self._wanted = self.key
        self.rows, self._index = [], {}

    def move(self, number: int) -> bool:
        """Go to a row, or as far as there are rows; False: the cursor is there already."""
        number = max(0, min(number, len(self.rows) - 1))
        moved = bool(self.rows) and number != self.at
        if moved:
            self.at = number
        return moved

    # The row itself, else the next one of the old order that is still there, else one before.
    def _nearest(self, old: Sequence[Row]) -> int:
        for row in chain(islice(old, self.at, None), reversed(old[: self.at])):
            if row.key in self._index:
                return self._index[row.key]
        return 0
