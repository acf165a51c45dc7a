"""`:wiring`: bridges, cables, and who is at their ends."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

from nsview.host.model import Snapshot
from nsview.host.networks import Wiring
from nsview.host.wiring import read_wiring
from nsview.kernel.procfs import Procfs
from nsview.tui.cost import Cost, Meter
from nsview.tui.help_texts import WIRING
from nsview.tui.page import Page
from nsview.tui.row_table import Cell, Column, Row
from nsview.tui.rows.wiring import ALONE, WiringNode, wiring_rows
from nsview.tui.scanner import Job
from nsview.tui.table_view import TableView, tree_row
from nsview.tui.view_page import ViewPage

_COLUMNS = (
    Column(key="tree", title="TREE", min_width=20, max_width=60, tree=True, sortable=False),
    Column(key="address", title="ADDRESS", min_width=14, max_width=44, worth=1, sortable=False),
    Column(key="what", title="WHAT IT IS", min_width=20, flex=True, sortable=False),
)


class _Read(NamedTuple):
    wiring: Wiring
    cost: Cost


class WiringView(TableView):
    """The tree of all network namespaces."""

    HELP: ClassVar[str] = WIRING

    def __init__(self) -> None:
        super().__init__()
        self._wiring: Wiring | None = None
        self._cost = Cost()
        self._by_key: dict[Hashable, WiringNode] = {}
        self.folded.add(ALONE)

    def columns(self, snapshot: Snapshot) -> Sequence[Column]:
        """Always the same."""
        return _COLUMNS

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """The tree."""
        if self._wiring is None:
            return []
        lines = wiring_rows(self._wiring, self.folded)
        self._by_key = {line.item.key: line.item for line in lines}
        return [tree_row(line.item.key, _cells(line.item), line) for line in lines]

    def job(self) -> Job | None:
        """Every namespace is read; where there are many, not at each look."""
        if not self._cost.is_due():
            return None

        def read(procfs: Procfs, snapshot: Snapshot) -> _Read:
            meter = Meter()
            return _Read(read_wiring(procfs, snapshot), meter.cost())

        return read

    def receive(self, result: _Read) -> None:
        """Show what was read."""
        self._wiring, self._cost = result
        self.rebuild()

    @property
    def waiting_text(self) -> str:
        """Why the table is empty."""
        return "reading network namespaces ..." if self._wiring is None else "nothing may be read"

    @property
    def remark(self) -> str:
        """The filter; what could not be read."""
        return super().remark or "; ".join(self._wiring.partial if self._wiring else ())

    def open_row(self, key: Hashable) -> None:
        """Enter: the container that it belongs to."""
        node = self._by_key.get(key)
        if node is not None and node.ref is not None and isinstance(self.screen, Page):
            self.screen.nsview.open_ref(node.ref, "net")

    def raw(self) -> object | None:
        """What is under the cursor."""
        node = self._by_key.get(self.cursor_key)
        return node.thing if node else None

    def copy_text(self) -> str | None:
        """The container's ref, the interface's name."""
        node = self._by_key.get(self.cursor_key)
        return node.text if node else None


def _cells(node: WiringNode) -> list[Cell]:
    return [
        Cell(node.text, "group" if node.named else ""),
        Cell(node.address),
        Cell(node.detail, "dim"),
    ]


def wiring_page() -> ViewPage:
    """`:wiring`."""
    return ViewPage(WiringView(), "Wiring")
