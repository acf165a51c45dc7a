"""Two containers side by side: what would turn the root of one into that of the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from nsview.host.host import Host
from nsview.host.model import Snapshot
from nsview.kernel.procfs import Procfs
from nsview.layers.stack import Stack
from nsview.tui import tree_jobs
from nsview.tui.explorer import Explorer, Identity, Post, Read, identify, read_layers
from nsview.tui.help_texts import COMPARISON
from nsview.tui.scanner import Job, Source
from nsview.tui.tabs.changes import ChangesTab
from nsview.tui.tree_jobs import Changes
from nsview.tui.tree_reader import Reading
from nsview.tui.view_page import ViewPage


class Comparison(Explorer):
    """The stack of `ref`; its changes are those against the stack of another container.

    Directories of layers that both share are not read.
    """

    waiting = "comparing the two ..."
    unchanged = "the two do not differ"
    commits = False

    def __init__(self, ref: str, against: str) -> None:
        super().__init__(ref)
        self.against = against
        self._before: Stack | None = None
        self._identities: tuple[Identity | None, Identity | None] | None = None

    def job(self, source: Source, snapshot: Snapshot) -> Job | None:
        """Read both stacks if one of the containers is another one than before."""
        refs = self.ref, self.against
        identities = identify(snapshot, self.ref), identify(snapshot, self.against)
        if None in identities or identities == self._identities:
            return None
        host = cast(Host, source)

        def read(_: Procfs, snapshot: Snapshot) -> list[Read | None]:
            return [read_layers(host, snapshot, ref) for ref in refs]

        return read

    def take(self, result: Any, post: Post) -> None:
        """Both, or why one of them has none."""
        after: Read | None
        before: Read | None
        after, before = result
        if after is None or before is None:
            return
        if before.stack is None:
            super().take(before, post)
            return
        if after.stack is not None:
            self._identities = after.identity, before.identity
        if before.stack != self._before:
            self._before = before.stack
            self.stack = None  # what was compared with another one is out of date
        super().take(after._replace(partial=(*after.partial, *before.partial)), post)

    def changes_job(self) -> Callable[[Reading], Changes]:
        """Against the other container."""
        before = self._before
        return lambda reading: tree_jobs.read_changes(reading.tree, before)

    def stack_from(self, top: int) -> Stack | None:
        """What `ref` does not have is in the other one."""
        return self._before if top else None

    def blamed(self, top: int) -> Stack | None:
        """So is what its layers say."""
        return self.stack_from(top)


class ComparisonPage(ViewPage):
    """The differences, as a list of changes."""

    def __init__(self, ref: str, against: str) -> None:
        self._explorer = Comparison(ref, against)
        super().__init__(ChangesTab(self._explorer))
        self.HELP = COMPARISON  # type: ignore[misc]  # as its base does

    def crumbs(self) -> Sequence[str]:
        """Which two."""
        return (f"{self._explorer.ref} against {self._explorer.against}",)

    def on_unmount(self) -> None:
        """Nobody reads layers for this page any more."""
        self._explorer.close()
