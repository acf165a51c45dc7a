"""The Files tab: the root as a process in the container sees it, and which layer gives what."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from nsview.tui.explorer import Explorer
from nsview.tui.explorer_view import ExplorerView
from nsview.tui.file_tree import FileTree
from nsview.tui.help_texts import FILES


class FilesTab(ExplorerView):
    """`FileTree` of the merged view."""

    HELP: ClassVar[str] = FILES

    def __init__(self, explorer: Explorer) -> None:
        super().__init__(explorer)
        self._tree = FileTree(explorer)

    @property
    def pane(self) -> FileTree:
        """The tree."""
        return self._tree

    def compose(self) -> ComposeResult:
        """One tree."""
        yield self._tree

    def read_more(self) -> None:
        """Directories in sight may have changed."""
        self._tree.read_due()

    def refresh_content(self) -> None:
        """Draw it."""
        self._tree.rebuild()
