"""The tree of files of a stack, merged or of one layer, read a directory at a time."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from nsview.layers.entry import Entry
from nsview.tui.explorer import Explorer
from nsview.tui.file_pane import Chosen, FilePane
from nsview.tui.row_table import RowTable
from nsview.tui.rows.files import (
    FIRST_ROWS,
    LAYER_COLUMNS,
    MERGED_COLUMNS,
    ROOT,
    Listing,
    file_rows,
)

#: How much more of a directory is shown when the cursor comes to its end.
_MORE = 4
_Key = tuple[int | None, str]


class FileTable(RowTable):
    """A table in which left and right also walk through the tree, when there is nothing to scroll.

    It asks the view that it is in.
    """

    def action_sideways(self, direction: int) -> None:
        """Right unfolds; left folds, or goes to the directory that the row is in."""
        before = self.scroll_target_x
        row = self.cursor_row
        if direction > 0 and row is not None and row.expandable and not row.expanded:
            self.post_message(self.Toggled(self, row.key))
            return
        super().action_sideways(direction)
        if direction > 0 or before > 0 or row is None:
            return
        if row.expandable and row.expanded:
            self.post_message(self.Toggled(self, row.key))
        elif isinstance(row.key, str):
            self.move_cursor_to(row.key.rpartition("/")[0])


class FileTree(FilePane):
    """`shown`: index of the layer; None is the merged view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("asterisk", "changed", "changed", key_display="*", id="files.changed"),
        Binding("U", "leave_out('U')", "without unchanged", show=False, id="files.unchanged"),
        Binding("ctrl+r", "read_again", "read again", show=False, id="files.read-again"),
    ]

    def __init__(self, explorer: Explorer, shown: int | None = None) -> None:
        super().__init__(explorer)
        self.table = FileTable()
        self.shown = shown
        self.unfolded: set[Hashable] = set()
        self._listings: dict[_Key, Listing] = {}
        self._asked: set[_Key] = set()
        self._limits: dict[str, int] = {}
        self._generation = 0

    # What is shown.

    def read_due(self) -> None:
        """Read again what was not just read: somebody may have changed it."""
        visible = self._visible()
        for key in visible:
            listing = self._listings.get(key)
            if listing is not None and listing.cost.is_due(len(visible)):
                self._ask(key)

    def show_layer(self, layer: int | None) -> None:
        """Show another layer, or the merged view; what is unfolded stays so."""
        if layer != self.shown:
            self.shown = layer
            self.rebuild()

    def rebuild(self) -> None:
        """Draw what has been read, and ask for what is missing."""
        if self.explorer.generation != self._generation:
            self._generation = self.explorer.generation
            self._listings, self._asked, self._limits = {}, set(), {}
        self.table.set_columns(MERGED_COLUMNS if self.shown is None else LAYER_COLUMNS)
        if self.explorer.stack is None:
            self.table.set_placeholder(self.explorer.problem)
            self.table.set_rows([])
            return
        here = {path: one for (layer, path), one in self._listings.items() if layer == self.shown}
        if (root := here.get(ROOT)) is not None and root.problem is not None:
            self.table.set_placeholder(root.problem)
            self.table.set_rows([])
            return
        found = file_rows(
            here, self.unfolded, self.options, self._limits, merged=self.shown is None
        )
        self.table.set_placeholder(self._nothing())
        self.table.set_sort(
            "size" if self.options.by_size else "name", reverse=self.options.by_size
        )
        self.table.set_rows(found.rows)
        for path in found.missing:
            self._ask((self.shown, path))

    def _nothing(self) -> str:
        if not self.options.plain:
            return f"nothing fits: {self.options.words} (Esc shows everything)"
        if self.shown is None:
            return "an empty root"
        return "nothing: this layer only changes the image's configuration"

    def _visible(self) -> list[_Key]:
        """Directories in sight: of others nobody sees whether they are as they were."""
        shown = [row.key for row in self.table.rows if row.expandable and row.expanded]
        return [(self.shown, ROOT), *((self.shown, key) for key in shown if isinstance(key, str))]

    def _ask(self, key: _Key) -> None:
        if key not in self._asked:
            self._asked.add(key)
            self.explorer.list(key[1], key[0], self._listed, first=key not in self._listings)

    def _listed(self, result: tuple[int, int | None, str, Listing]) -> None:
        generation, layer, path, listing = result
        if generation != self._generation:
            return
        if listing.rest:  # once the first ones are seen: reading takes the time that painting needs
            self.call_after_refresh(self.explorer.list, path, layer, self._listed, first=False)
        else:
            self._asked.discard((layer, path))
        before = self._listings.get((layer, path))
        self._listings[layer, path] = listing
        if layer == self.shown and listing != before:
            self.rebuild()

    # What is under the cursor.

    def _entry(self) -> Entry | None:
        path = self.cursor_key
        if not isinstance(path, str):
            return None
        directory, _, name = path.rpartition("/")
        listing = self._listings.get((self.shown, directory or ROOT))
        entries = listing.entries if listing else ()
        return next((one for one in entries if one.name == name), None)

    def chosen(self) -> Chosen | None:
        """The entry under the cursor."""
        entry = self._entry()
        if entry is None or not isinstance(self.cursor_key, str):
            return None
        return Chosen(self.cursor_key, self.shown or 0, entry.type)

    def raw(self) -> object | None:
        """The entry under the cursor."""
        return self._entry()

    def open_row(self, key: Hashable) -> None:
        """Enter: unfold a directory, view a file, show more."""
        row = self.table.cursor_row
        if row is not None and row.expandable:
            self.toggle_row(key)
        elif isinstance(key, tuple):
            self._show_more(key)
        else:
            self.action_view()

    def toggle_row(self, key: Hashable) -> None:
        """Unfold a directory, or fold it."""
        self.unfolded ^= {key}
        self.rebuild()

    @on(RowTable.Highlighted)
    def _moved(self, event: RowTable.Highlighted) -> None:
        if isinstance(event.key, tuple):
            self._show_more(event.key)

    def _show_more(self, key: tuple[Hashable, ...]) -> None:
        path, kind = key
        if kind == "more" and isinstance(path, str):
            self._limits[path] = self._limits.get(path, FIRST_ROWS) * _MORE
            self.rebuild_with_more()

    def start_over(self) -> None:
        """From the first rows of each directory."""
        self._limits = {}

    @on(RowTable.SortRequested)
    def _sort_by(self, event: RowTable.SortRequested) -> None:
        self.change_options(replace(self.options, by_size=event.column == "size"))

    def action_changed(self) -> None:
        """Only what the topmost layer changes, or everything."""
        self.change_options(self.options.changed_only())

    def action_read_again(self) -> None:
        """All directories in sight, however long that takes."""
        for key in self._visible():
            self._ask(key)
