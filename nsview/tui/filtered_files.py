"""A table of files of which only some are shown: by path, kind of change and size."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from nsview.layers.entry import Change
from nsview.tui.page import Page
from nsview.tui.rows.file_options import FileOptions
from nsview.tui.table_view import TableView

#: By the letter that the column shows: M is what docker calls C.
_KINDS: Final[dict[str, Change | None]] = {"A": "A", "M": "C", "D": "D", "U": None}


class FilteredFiles(TableView):
    """Subclasses draw what `options` leave."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "sort", "by size", id="files.sort"),
        Binding("A", "leave_out('A')", "without added", show=False, id="files.added"),
        Binding("M", "leave_out('M')", "without modified", show=False, id="files.modified"),
        Binding("D", "leave_out('D')", "without deleted", show=False, id="files.deleted"),
        Binding("plus", "least(1)", "larger files only", key_display="+", show=False,
                id="files.larger"),
        Binding("minus", "least(-1)", "smaller files too", key_display="-", show=False,
                id="files.smaller"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.options = FileOptions()

    def start_over(self) -> None:
        """Other rows are shown from now on."""

    @property
    def remark(self) -> str:
        """What is left out, and how it is sorted."""
        return self.options.words

    def change_options(self, options: FileOptions) -> None:
        """Show other ones, or in another order."""
        self.options = options
        self.typed_filter = options.filter
        self.start_over()
        self.rebuild()
        if isinstance(self.screen, Page):
            self.screen.refresh_frame()
        self.refresh_bindings()

    def set_filter(self, typed: str) -> None:
        """Show only paths that fit."""
        self.change_options(replace(self.options, filter=typed))

    def action_clear_filter(self) -> None:
        """Escape: everything again."""
        self.change_options(FileOptions(by_size=self.options.by_size))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While everything is shown Escape is the page's."""
        if action == "clear_filter":
            return not self.options.plain
        return super().check_action(action, parameters)

    def action_sort(self) -> None:
        """By size, or by name again."""
        self.change_options(replace(self.options, by_size=not self.options.by_size))

    def action_leave_out(self, letter: str) -> None:
        """Without what was changed so, or with it again."""
        self.change_options(self.options.toggled(_KINDS[letter]))

    def action_least(self, step: int) -> None:
        """Only larger files."""
        self.change_options(self.options.larger(step))
