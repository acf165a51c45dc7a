"""`:pid N`: every process that has this number, on the host or inside."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from nsview.host.model import Snapshot
from nsview.tui.help_texts import PID
from nsview.tui.row_table import Cell, Column, Row
from nsview.tui.rows.pids import pid_rows
from nsview.tui.table_view import TableView
from nsview.tui.view_page import ViewPage

_COLUMNS = (
    Column(key="host", title="HOST", align="right", min_width=7, sortable=False),
    Column(key="fits", title="IT IS THIS ON", max_width=20, sortable=False),
    Column(key="levels", title="ALL ITS NUMBERS", max_width=48, worth=2, sortable=False),
    Column(key="container", title="CONTAINER", max_width=24, worth=1, sortable=False),
    Column(key="command", title="COMMAND", min_width=16, flex=True, sortable=False),
)


class PidView(TableView):
    """Enter leads to the container's processes, with the cursor on this one."""

    HELP: ClassVar[str] = PID

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def columns(self, snapshot: Snapshot) -> Sequence[Column]:
        """Always the same."""
        return _COLUMNS

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """The host's process first."""
        return [
            Row(
                row.key,
                (
                    Cell(str(row.host_pid)),
                    Cell(row.fits),
                    Cell(row.levels),
                    Cell(row.container or "host", "" if row.container else "dim"),
                    Cell(row.command),
                ),
            )
            for row in pid_rows(snapshot, self._number)
        ]

    @property
    def waiting_text(self) -> str:
        """Nobody has that number."""
        return f"no process has the number {self._number}, on the host or inside"

    def raw(self) -> object | None:
        """The process under the cursor."""
        key = self.cursor_key
        return self.snapshot.tasks.get(key[0]) if self.snapshot and isinstance(key, tuple) else None

    def copy_text(self) -> str | None:
        """Its PID on the host."""
        return str(self.cursor_key[0]) if isinstance(self.cursor_key, tuple) else None

    def open_row(self, key: Hashable) -> None:
        """Enter: the Processes tab of its container, the cursor on it."""
        from nsview.tui.container import ContainerScreen

        if self.snapshot is None or not isinstance(key, tuple):
            return
        ref = self.snapshot.membership.get(key[0], "host")
        self.app.push_screen(ContainerScreen(ref, tab="processes", process=key))


def pid_page(number: int) -> ViewPage:
    """`:pid N`."""
    return ViewPage(PidView(number), f"PID {number}")
