"""The Summary tab: what a container is made of, the namespace matrix at its heart."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual.app import ComposeResult

from nsview.host.details import Details, read_details
from nsview.host.model import Snapshot
from nsview.host.namespaces import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.tui.facts import Facts
from nsview.tui.help_texts import SUMMARY
from nsview.tui.rows.matrix import Holders
from nsview.tui.rows.summary import summary_grids
from nsview.tui.scanner import Job
from nsview.tui.view import View

#: Holders cost a walk over every descriptor of the host; they are read again after so many seconds.
_HOLDERS_LAST = 30.0


class SummaryFacts(NamedTuple):
    """What is read for the page."""

    details: Details
    holders: Holders | None
    """None: as before."""


class SummaryTab(View):
    """What the snapshot knows at once, the rest when it has been read."""

    HELP: ClassVar[str] = SUMMARY

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref
        self._details: Details | None = None
        self._holders: Holders | None = None
        self._holders_read = 0.0
        self.facts = Facts()

    def compose(self) -> ComposeResult:
        """One page."""
        yield self.facts

    def focus_content(self) -> None:
        """The page scrolls."""
        self.give_keys_to(self.facts)

    def show(self, snapshot: Snapshot) -> None:
        """The container as it is now; the last content stays when it is gone."""
        self.snapshot = snapshot
        container = snapshot.container(self._ref)
        if container is not None:
            self.facts.show(summary_grids(snapshot, container, self._details, self._holders))

    def job(self) -> Job:
        """Capabilities, maps, limits, sysctls and the like, of the first process."""
        ref = self._ref
        now = self.snapshot.taken if self.snapshot else 0.0
        with_holders = now - self._holders_read > _HOLDERS_LAST
        if with_holders:
            self._holders_read = now

        def read(procfs: Procfs, snapshot: Snapshot) -> SummaryFacts | None:
            container = snapshot.container(ref)
            if container is None:
                return None
            holders = _read_holders(procfs, snapshot) if with_holders else None
            return SummaryFacts(read_details(procfs, snapshot, container), holders)

        return read

    def receive(self, result: SummaryFacts | None) -> None:
        """Fill in what was read; nothing (it is gone) changes nothing."""
        if result is None:
            return
        self._details = result.details
        self._holders = result.holders or self._holders
        if self.snapshot is not None:
            self.show(self.snapshot)

    def copy_text(self) -> str | None:
        """The reference that names it everywhere."""
        return self._ref

    def raw(self) -> object:
        """The container and its details."""
        container = self.snapshot.container(self._ref) if self.snapshot else None
        return {"container": container, "details": self._details}


def _read_holders(procfs: Procfs, snapshot: Snapshot) -> Holders:
    return {(one.kind, one.ino): one.held_by for one in read_namespaces(procfs, snapshot)}
