"""`:xray [ref]`: user namespace > pid namespace > container > processes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from nsview.host.model import Namespace, Snapshot
from nsview.host.namespaces import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.tui.help_texts import XRAY
from nsview.tui.row_table import Cell, Column, Row
from nsview.tui.rows.xray import Node, xray_nodes, xray_rows
from nsview.tui.scanner import Job
from nsview.tui.table_view import TableView, tree_row
from nsview.tui.view_page import ViewPage

_COLUMNS = (
    Column(key="tree", title="TREE", min_width=20, flex=True, tree=True, sortable=False),
    Column(key="what", title="WHAT IT IS", min_width=40, flex=True, sortable=False),
)
_KINDS = ("user", "pid")


class XrayView(TableView):
    """`ref`: only this container, what is above it and what is below."""

    HELP: ClassVar[str] = XRAY

    def __init__(self, ref: str | None = None) -> None:
        super().__init__()
        self._ref = ref
        self._namespaces: tuple[Namespace, ...] | None = None
        self._met: set[Hashable] = set()
        self._by_key: dict[Hashable, Node] = {}

    def columns(self, snapshot: Snapshot) -> Sequence[Column]:
        """Always the same."""
        return _COLUMNS

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """The tree; on the whole host's, containers are folded when they are first met."""
        if self._namespaces is None:
            return []
        container = snapshot.container(self._ref) if self._ref else None
        if self._ref and container is None:
            return []
        nodes = xray_nodes(snapshot, self._namespaces, container)
        self._by_key = {node.key: node for node in nodes}
        if self._ref is None:
            fresh = {n.key for n in nodes if n.kind == "container"} - self._met
            self.folded |= fresh
            self._met |= fresh
        return [
            tree_row(
                row.key,
                (
                    Cell(row.node.text, "group" if row.node.kind == "container" else ""),
                    Cell(f"{_WORDS[row.node.kind]} {row.node.detail}", "dim"),
                ),
                row.line,
            )
            for row in xray_rows(nodes, self.folded)  # type: ignore[arg-type]
        ]

    def job(self) -> Job:
        """Parents and owners; who holds them is not asked."""

        def read(procfs: Procfs, snapshot: Snapshot) -> tuple[Namespace, ...]:
            return read_namespaces(procfs, snapshot, kinds=_KINDS, holders=False)

        return read

    def receive(self, result: tuple[Namespace, ...]) -> None:
        """Show what was read."""
        self._namespaces = result
        self.rebuild()

    @property
    def waiting_text(self) -> str:
        """Why the table is empty."""
        return "reading namespaces ..." if self._namespaces is None else "it is gone"

    def open_row(self, key: Hashable) -> None:
        """Enter: the page of the container, process or namespace."""
        from nsview.tui.container import ContainerScreen
        from nsview.tui.object_page import namespace_page

        node = self._by_key.get(key)
        if node is None or self.snapshot is None:
            return
        if node.kind == "container" and node.ref:
            self.app.push_screen(ContainerScreen(node.ref))
        elif node.kind == "process" and node.pid is not None:
            from nsview.tui.object_page import process_page

            if task := self.snapshot.tasks.get(node.pid):
                self.app.push_screen(process_page(task.identity))
        else:
            for one in self._namespaces or ():
                if (one.kind, one.ino) == key:
                    self.app.push_screen(namespace_page(one))


_WORDS = {
    "user": "user namespace:",
    "pid": "pid namespace:",
    "container": "container:",
    "process": "process",
}


def xray_page(ref: str | None = None) -> ViewPage:
    """`:xray [ref]`."""
    return ViewPage(XrayView(ref), f"X-ray {ref}" if ref else "X-ray")
