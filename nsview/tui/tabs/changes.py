"""The Changes tab: what the container has added, changed and deleted since its image."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from nsview.tui.change_list import ChangeList
from nsview.tui.explorer import Explorer
from nsview.tui.explorer_view import ExplorerView
from nsview.tui.help_texts import CHANGES


class ChangesTab(ExplorerView):
    """`ChangeList`, found out again with each snapshot, or more seldom where that is dear."""

    HELP: ClassVar[str] = CHANGES

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self._list = ChangeList(explorer)

    @property
    def pane(self) -> ChangeList:
        """The list."""
        return self._list

    def compose(self) -> ComposeResult:
        """One list."""
        yield self._list

    def read_more(self) -> None:
        """The changes."""
        self.explorer.read_changes()

    def refresh_content(self) -> None:
        """Draw it."""
        self._list.rebuild()
