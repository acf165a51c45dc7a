"""A table of paths in a stack of layers, and what can be asked about the one under the cursor."""

from __future__ import annotations

import os
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from nsview.display import display
from nsview.tui.explorer import Explorer
from nsview.tui.extraction import Extracted
from nsview.tui.filtered_files import FilteredFiles
from nsview.tui.prompt import Prompt
from nsview.tui.rows.blame import BLAME_COLUMNS, blame_rows
from nsview.tui.text_screen import TableScreen, TextScreen
from nsview.tui.tree_jobs import Blamed, File, file_note

#: Of a path that is asked about on one line.
_PROMPTED = 30


class Chosen(NamedTuple):
    """What is under the cursor."""

    path: str
    top: int
    """It is seen without the layers above this one."""
    what: str
    """``file``, ``directory``, ``whiteout``, ...; empty: not known."""


class FilePane(FilteredFiles):
    """Subclasses say what is under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "view", id="files.view"),
        Binding("E", "extract", "extract", id="files.extract"),
        Binding("b", "blame", "blame", id="files.blame"),
    ]

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self.explorer = explorer

    def chosen(self) -> Chosen | None:
        """The path under the cursor."""
        raise NotImplementedError

    def copy_text(self) -> str | None:
        """Its path, as the container sees it."""
        chosen = self.chosen()
        return chosen.path if chosen else None

    def rebuild_with_more(self) -> None:
        """Show what the line under the cursor stands for; the cursor goes to the first of it."""
        keys = [row.key for row in self.table.rows]
        at = keys.index(self.cursor_key) if self.cursor_key in keys else 0
        self.rebuild()
        if at < len(self.table.rows):
            self.table.move_cursor_to(self.table.rows[at].key)

    def say(self, words: str) -> None:
        """What cannot be done, and why."""
        self.nsview.say(words, severity="warning")

    def action_view(self) -> None:
        """Show the contents of the file under the cursor."""
        chosen = self.chosen()
        if chosen is None:
            return
        if chosen.what == "directory":
            self.say(f"{chosen.path} is a directory")
        elif chosen.what == "whiteout":
            self.say(f"{chosen.path} is a whiteout: it has no contents, b tells what it hides")
        else:
            self.explorer.read_file(chosen.path, chosen.top, self._show_file)

    def _show_file(self, file: File) -> None:
        if file.dump is None:
            self.say(f"{file.path}: {file.problem}")
            return
        lines, width = file.dump.lines or ["(empty)"], max(file.dump.width, len("(empty)"))
        self.app.push_screen(TextScreen(file.path, lines, note=file_note(file), width=width))

    def action_blame(self) -> None:
        """Show which layers have, hide or lack the path under the cursor."""
        if (chosen := self.chosen()) is not None:
            self.explorer.read_blame(chosen.path, chosen.top, self._show_blame)

    def _show_blame(self, result: Blamed) -> None:
        if result.problem is not None:
            self.say(f"{result.path}: {result.problem}")
            return
        rows = blame_rows(result.stack, result.layers)
        self.app.push_screen(TableScreen(result.path, BLAME_COLUMNS, rows))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Readonly: nothing is written to the host's disks."""
        if action == "extract" and self.nsview.readonly:
            return False
        return super().check_action(action, parameters)

    def action_extract(self) -> None:
        """Ask where to, and copy what is under the cursor there."""
        chosen = self.chosen()
        if chosen is None:
            return
        if chosen.what == "whiteout":
            self.say(f"{chosen.path} is a whiteout: there is nothing to extract")
            return
        name = chosen.path.rpartition("/")[2]

        def enter(target: str) -> None:
            if target.strip():
                self.explorer.extract(chosen.path, chosen.top, target.strip(), self._extracted)

        self.screen.query_one(Prompt).open(
            f"extract {_shortened(display(chosen.path))} to:",
            os.path.join(".", name if name.isprintable() else "extracted"),
            enter=enter,
        )

    def _extracted(self, result: Extracted) -> None:
        if result.problem is not None:
            self.say(f"{result.path} was not extracted: {result.problem}")
            return
        words = "; ".join((f"{result.path} is in {result.target}", *result.notes))
        self.nsview.say(
            words, title="extracted", severity="warning" if result.notes else "information"
        )


def _shortened(path: str) -> str:
    """The end tells more than the beginning."""
    return path if len(path) <= _PROMPTED else f"…{path[-_PROMPTED:]}"
