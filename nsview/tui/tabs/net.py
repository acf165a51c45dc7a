"""The Net tab: interfaces and where they lead, ports, published ports, connections, routes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from nsview.host.model import Snapshot
from nsview.host.name_service import read_name_service
from nsview.host.networks import networks_of, published_of
from nsview.host.wiring import read_wiring
from nsview.kernel.procfs import Procfs
from nsview.tui.cost import Meter
from nsview.tui.help_texts import NET
from nsview.tui.page import Page
from nsview.tui.row_table import Cell, Column, Row
from nsview.tui.rows.net import NetReading, NetRow, Rates, net_rows
from nsview.tui.scanner import Job
from nsview.tui.table_view import TableView, tree_row

_COLUMNS = (
    Column(key="what", title="WHAT", min_width=18, max_width=30, tree=True, sortable=False),
    Column(key="kind", title="KIND", min_width=8, max_width=10, worth=1, sortable=False),
    Column(key="state", title="STATE", min_width=7, max_width=18, worth=2, sortable=False),
    Column(key="rate", title="RX/TX", width=11, align="right", worth=3, sortable=False),
    Column(key="address", title="ADDRESS", min_width=15, max_width=44, sortable=False),
    Column(key="leads", title="LEADS TO", min_width=16, flex=True, sortable=False),
)


class NetTab(TableView):
    """The network namespaces that processes of the container are in; mostly one."""

    HELP: ClassVar[str] = NET

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref
        self._reading: NetReading | None = None
        self._rates: Rates = {}
        self._why = "reading its network ..."
        self._rows: dict[Hashable, NetRow] = {}
        self.folded.add(("connections",))

    def columns(self, snapshot: Snapshot) -> Sequence[Column]:
        """Always the same."""
        return _COLUMNS

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """Titles, and what is under them."""
        if self._reading is None:
            return []
        lines = net_rows(snapshot, self._reading, self._rates, self.folded)
        self._rows = {line.item.key: line.item for line in lines}
        return [tree_row(line.item.key, _cells(line.item), line) for line in lines]

    def job(self) -> Job | None:
        """All namespaces, for what is at the other end; dear ones are not read at each look."""
        if self._reading is not None and not self._reading.cost.is_due():
            return None
        ref = self._ref

        def read(procfs: Procfs, snapshot: Snapshot) -> NetReading | str:
            meter = Meter()
            container = snapshot.container(ref)
            if container is None or container.pid is None:
                return "no process: its network namespace is gone"
            inodes = networks_of(snapshot, container)
            wiring = read_wiring(procfs, snapshot, closely=inodes, connected=True)
            networks = tuple(one for one in wiring.networks.values() if one.ino in inodes)
            if not networks:
                return "; ".join(wiring.partial) or "its network namespace is gone"
            return NetReading(
                networks=networks,
                wiring=wiring,
                published=tuple(published_of(wiring, networks)),
                names=read_name_service(procfs, container),
                cost=meter.cost(),
            )

        return read

    def receive(self, result: NetReading | str) -> None:
        """What was read, or why there is nothing; what was read before stays then."""
        if isinstance(result, str):
            self._why = result
        else:
            self._rates = _rates(self._reading, result)
            self._reading = result
        self.rebuild()

    @property
    def waiting_text(self) -> str:
        """Why the table is empty."""
        return self._why

    @property
    def remark(self) -> str:
        """The filter; with whom it shares its network."""
        networks = self._reading.networks if self._reading else ()
        others = [ref for one in networks for ref in one.containers if ref != self._ref]
        shared = f"shared with {', '.join(others)}" if others and self._ref != "host" else ""
        return super().remark or shared

    def open_row(self, key: Hashable) -> None:
        """Enter: the container at the other end, the process that has the socket."""
        row = self._rows.get(key)
        if row is None or self.snapshot is None or not isinstance(self.screen, Page):
            return
        if row.ref is not None and row.ref != self._ref:
            self.screen.nsview.open_ref(row.ref, "net")
        elif row.pid is not None and (task := self.snapshot.tasks.get(row.pid)):
            from nsview.tui.object_page import process_page

            self.app.push_screen(process_page(task.identity))

    def raw(self) -> object | None:
        """What is under the cursor."""
        row = self._rows.get(self.cursor_key)
        return row.thing if row else None

    def copy_text(self) -> str | None:
        """Its address, else its name."""
        row = self._rows.get(self.cursor_key)
        return (row.address or row.what) if row and row.above else None


def _cells(row: NetRow) -> list[Cell]:
    if row.above is None:
        return [Cell(row.what, "group"), *(Cell("") for _ in _COLUMNS[1:])]
    idle = row.rate == "0/0" or row.state == "down"
    return [
        Cell(row.what),
        Cell(row.kind, "label"),
        Cell(row.state, "dim" if idle else ""),
        Cell(row.rate, "dim" if idle else ""),
        Cell(row.address),
        Cell(row.leads),
    ]


def _rates(before: NetReading | None, now: NetReading) -> Rates:
    seconds = 0.0 if before is None else now.cost.ended - before.cost.ended
    if before is None or seconds <= 0:
        return {}
    last = {
        (network.ino, one.link.index): one.link
        for network in before.networks
        for one in network.interfaces
    }
    return {
        (network.ino, one.link.index): (
            max(0, one.link.rx_bytes - link.rx_bytes) / seconds,
            max(0, one.link.tx_bytes - link.tx_bytes) / seconds,
        )
        for network in now.networks
        for one in network.interfaces
        if (link := last.get((network.ino, one.link.index))) is not None
    }
