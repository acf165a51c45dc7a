"""The Mounts tab: the mount table of a container as a tree."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from nsview.host.model import Snapshot
from nsview.host.mounts import MountNode, read_mounts
from nsview.kernel.procfs import Procfs
from nsview.tui.help_texts import MOUNTS
from nsview.tui.row_table import Cell, Column, Row
from nsview.tui.rows.mounts import MountRow, mount_rows
from nsview.tui.scanner import Job
from nsview.tui.table_view import TableView, tree_row

_COLUMNS = (
    Column(key="target", title="TARGET", max_width=48, tree=True, sortable=False),
    Column(key="type", title="TYPE", max_width=12, sortable=False),
    Column(key="source", title="SOURCE", min_width=8, max_width=60, flex=True, sortable=False),
    Column(key="options", title="OPTIONS", max_width=40, worth=2, sortable=False),
    Column(key="propagation", title="PROPAGATION", max_width=24, worth=1, sortable=False),
)


class MountsTab(TableView):
    """Mounts as the container's first process sees them."""

    HELP: ClassVar[str] = MOUNTS

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref
        self._mounts: tuple[MountNode, ...] | None = None
        self._why = "reading mounts ..."

    def columns(self, snapshot: Snapshot) -> Sequence[Column]:
        """Always the same."""
        return _COLUMNS

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """A row for each mount."""
        found = mount_rows(self._mounts or (), self.folded)  # type: ignore[arg-type]
        return [_row(row) for row in found]

    def job(self) -> Job:
        """/proc/PID/mountinfo of the first process."""
        ref = self._ref

        def read(procfs: Procfs, snapshot: Snapshot) -> tuple[MountNode, ...] | str:
            container = snapshot.container(ref)
            if container is None or container.pid is None:
                return "no process: its mount namespace is gone"
            try:
                return read_mounts(procfs, container.pid) or "its first process is gone"
            except PermissionError:
                return "its mounts may not be read: that takes root, or CAP_SYS_PTRACE"

        return read

    def receive(self, result: tuple[MountNode, ...] | str) -> None:
        """Mounts, or why there are none; what was read before stays then."""
        if isinstance(result, str):
            self._why = result
        else:
            self._mounts = result
        self.rebuild()

    @property
    def waiting_text(self) -> str:
        """Why the table is empty."""
        return self._why

    def _find(self, key: Hashable | None) -> MountNode | None:
        return next((node for node in self._mounts or () if node.mount.id == key), None)

    def open_row(self, key: Hashable) -> None:
        """Enter: the page of the mount."""
        from nsview.tui.object_page import mount_page

        if node := self._find(key):
            self.app.push_screen(mount_page(node))

    def raw(self) -> object | None:
        """The mount under the cursor."""
        return self._find(self.cursor_key)

    def copy_text(self) -> str | None:
        """Its mount point, as the container sees it."""
        node = self._find(self.cursor_key)
        return node.mount.target if node else None


# A hidden mount is dim, and the word stands behind its target.
def _row(row: MountRow) -> Row:
    style = "dim" if row.hidden else ""
    target = f"{row.target} ({row.hidden})" if row.hidden else row.target
    texts = (target, row.type, row.source, row.options, row.propagation)
    return tree_row(row.key, [Cell(text) for text in texts], row.line, style)
