"""Namespaces in a table, and why each of them is alive: of one container, or of the host."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from nsview.host.model import Namespace, Snapshot
from nsview.host.namespaces import read_namespaces
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.tui.help_texts import NAMESPACE_LIST
from nsview.tui.row_table import Cell, Column, Row
from nsview.tui.rows.namespaces import (
    ORDERS,
    NamespaceRow,
    kernel_order,
    namespace_rows,
    of_container,
)
from nsview.tui.scanner import Job
from nsview.tui.table_view import SortKey, TableView, tree_row


def _column(key: str, title: str, worth: int | None) -> Column:
    return Column(key=key, title=title, align="right", worth=worth)


_COLUMNS = (
    Column(key="kind", title="KIND", min_width=6, tree=True),
    _column("ino", "INODE", None),
    _column("id", "ID", 2),
    _column("processes", "PROCS", 6),
    _column("threads", "THR", 1),
    _column("parent", "PARENT", 4),
    _column("owner", "OWNER", 5),
    _column("owner_uid", "OWNER UID", 3),
)
_CONTAINER = Column(key="container", title="CONTAINER", max_width=24, worth=7)
_HELD_BY = Column(key="held_by", title="HELD BY", min_width=16, flex=True, sortable=False)

_SORT_KEYS: dict[str, SortKey] = {
    "kind": kernel_order,
    "ino": lambda one: one.ino,
    "id": lambda one: one.id or 0,
    "processes": lambda one: -one.processes,
    "threads": lambda one: -one.threads,
    "parent": lambda one: one.parent or 0,
    "owner": lambda one: one.owner or 0,
    "owner_uid": lambda one: -1 if one.owner_uid is None else one.owner_uid,
    "container": lambda one: (one.container is None, one.container or ""),
}


class NamespaceView(TableView):
    """`ref`: the container whose namespaces it shows; `kind`: only those of that kind."""

    HELP: ClassVar[str] = NAMESPACE_LIST
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t,f5", "next_order", "flat/parent/owner", id="namespaces.order"),
    ]

    def __init__(self, ref: str | None = None, kind: str | None = None) -> None:
        super().__init__()
        self._ref = ref
        self._kinds = (kind,) if kind else KINDS
        self._order = ORDERS[0]
        self._namespaces: tuple[Namespace, ...] | None = None

    @property
    def order(self) -> str:
        """flat, parent or owner."""
        return self._order

    def columns(self, snapshot: Snapshot) -> Sequence[Column]:
        """The container is worth a column only where there are several."""
        container = () if self._ref else (_CONTAINER,)
        return (*_COLUMNS, *container, _HELD_BY)

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """A row for each namespace that has been read."""
        found: Sequence[Namespace] = self._namespaces or ()
        if self._ref is not None:
            container = snapshot.container(self._ref)
            found = of_container(snapshot, container, found) if container else ()
        rows = namespace_rows(
            snapshot,
            self.in_order(found),
            order=self._order,
            folded=self.folded,  # type: ignore[arg-type]
        )
        return [self._row(row) for row in rows]

    def _row(self, row: NamespaceRow) -> Row:
        one = row.namespace
        container = () if self._ref else (Cell(row.container, "dim" if one.initial else ""),)
        return tree_row(
            row.key,
            (
                Cell(one.kind + (" host" if one.initial else ""), "dim" if one.initial else ""),
                Cell(str(one.ino), "dim" if one.initial else ""),
                _number(one.id),
                Cell(str(one.processes)),
                Cell(str(one.threads)),
                _number(one.parent),
                _number(one.owner),
                _number(one.owner_uid),
                *container,
                Cell(row.held_by),
            ),
            row.line,
        )

    def amount(self, snapshot: Snapshot) -> int:
        """What has been read."""
        return len(self._namespaces or ())

    def sort_keys(self) -> Mapping[str, SortKey]:
        """Numbers, and whose they are."""
        return _SORT_KEYS

    def job(self) -> Job:
        """Holders cost a walk over descriptors and mount tables."""
        kinds = self._kinds

        def read(procfs: Procfs, snapshot: Snapshot) -> tuple[Namespace, ...]:
            return read_namespaces(procfs, snapshot, kinds=kinds)

        return read

    def receive(self, result: tuple[Namespace, ...]) -> None:
        """Show what was read; the cursor stays on its namespace."""
        self._namespaces = result
        self.rebuild()

    @property
    def waiting_text(self) -> str:
        """What to say before anything has been read, and of what has none."""
        if self._ref is not None and self.snapshot is not None:
            container = self.snapshot.container(self._ref)
            if container is None or container.pid is None:
                return "no process: its namespaces are gone"
        if self._namespaces is None:
            return "reading namespaces ..."
        return "its namespaces may not be read: that takes root, or CAP_SYS_PTRACE"

    def action_next_order(self) -> None:
        """Flat, by parent, by owner, flat."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self.rebuild()

    def _find(self, key: Hashable | None) -> Namespace | None:
        return next((one for one in self._namespaces or () if (one.kind, one.ino) == key), None)

    def open_row(self, key: Hashable) -> None:
        """Enter: the page of the namespace."""
        from nsview.tui.object_page import namespace_page

        if one := self._find(key):
            self.app.push_screen(namespace_page(one))

    def raw(self) -> object | None:
        """The namespace under the cursor."""
        return self._find(self.cursor_key)

    def copy_text(self) -> str | None:
        """``net:[4026531840]``."""
        one = self._find(self.cursor_key)
        return f"{one.kind}:[{one.ino}]" if one else None


def _number(value: int | None) -> Cell:
    return Cell("–", "dim") if value is None else Cell(str(value))
