"""What the Layers, Changes and Files tabs of one container share: its stack and what was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from textual.message import Message

from nsview.errors import NsviewError
from nsview.host.host import Host
from nsview.host.model import Container, Snapshot
from nsview.host.stacks import read_stack
from nsview.kernel.procfs import Procfs
from nsview.layers.merge import MergedTree
from nsview.layers.stack import Layer, Stack
from nsview.layers.waste import Waste
from nsview.tui import tree_jobs
from nsview.tui.cost import Cost
from nsview.tui.extraction import Extracted, extract
from nsview.tui.rows.files import Listing
from nsview.tui.rows.stack import Size
from nsview.tui.scanner import Job, Source
from nsview.tui.tree_jobs import Changes, File
from nsview.tui.tree_reader import Reading, TreeReader

_Identity = tuple[int | None, int | None]
_Read = tuple[_Identity, Stack, tuple[str, ...]] | tuple[_Identity, str]
Post = Callable[[Message], object]


class Explorer:
    """Of the UI's thread. Others read for it: the scanner the stack, two more what is in it.

    `watch` says who wants to know of news. `close` stops them.
    """

    def __init__(self, ref: str) -> None:
        self.ref = ref
        self.stack: Stack | None = None
        self.partial: tuple[str, ...] = ()
        """What the view may lack."""
        self.problem = "reading layers ..."
        """Why there is no stack."""
        self.generation = 0
        """Another stack, another number."""
        self._watchers: list[Callable[[], object]] = []
        self._identity: _Identity | None = None
        self._listings: TreeReader | None = None
        self._walks: TreeReader | None = None
        self._copies: TreeReader | None = None
        self._forget()

    def _forget(self) -> None:
        self.sizes: dict[int, Size] = {}
        self.changes: Changes | None = None
        self._changes_cost = Cost()
        self.waste: Waste | str | None = None
        self.seeks_waste = False

    def watch(self, watcher: Callable[[], object]) -> None:
        """Call it whenever more is known."""
        self._watchers.append(watcher)

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()

    # The stack, which the scanner's thread reads: a `Host` belongs to it.

    def job(self, source: Source, snapshot: Snapshot) -> Job | None:
        """Read the stack of the container if that is another one than before."""
        container = snapshot.container(self.ref)
        if container is None or _identity(container) == self._identity:
            return None
        ref, host = self.ref, cast(Host, source)

        def read(_: Procfs, snapshot: Snapshot) -> _Read | None:
            container = snapshot.container(ref)
            if container is None:
                return None
            try:
                stack = read_stack(host, snapshot, container)
            except NsviewError as error:
                hint = f" ({error.hint})" if error.hint else ""
                return _identity(container), error.message + hint
            return _identity(container), stack, (*stack.notes, *MergedTree(stack).partial)

        return read

    def take(self, result: _Read | None, post: Post) -> None:
        """What that job has read. A stack that was read stays when there is none any more."""
        if result is None:
            return
        if len(result) == 2:  # there is no stack, but a reason
            self.problem = result[1]
        else:
            self._identity, stack, self.partial = result
            if stack != self.stack:
                self._use(stack, post)
        self._tell()

    def _use(self, stack: Stack, post: Post) -> None:
        self._end_readers()
        self._forget()
        self.stack = stack
        self.generation += 1
        self._listings = TreeReader(stack, post)
        self._walks = TreeReader(stack, post)
        self._copies = TreeReader(stack, post, tidies_up=True)

    def close(self) -> None:
        """End the threads; nobody is told anything any more."""
        self._watchers.clear()
        self._end_readers()

    def _end_readers(self) -> None:
        for reader in (self._listings, self._walks, self._copies):
            if reader is not None:
                reader.close()

    def cancel(self) -> None:
        """Stop walking: nobody looks at the totals any more."""
        self.seeks_waste = False
        if self._walks is not None:
            self._walks.cancel()

    # What is read by the other two threads.

    def list(
        self,
        path: str,
        layer: int | None,
        receive: Callable[[tuple[int, int | None, str, Listing]], object],
        *,
        first: bool,
    ) -> None:
        """A directory, merged or of one layer; received with what was asked for.

        `first`: it was not known before, so of one with many names the first are received at once.
        """
        generation = self.generation

        def read(reading: Reading) -> tuple[int, int | None, str, Listing]:
            begun = tree_jobs.read_first(reading.tree, path, layer) if first else None
            if begun is not None:
                reading.give((generation, layer, path, begun))
            listing = tree_jobs.read_listing(reading.tree, path, layer)
            return generation, layer, path, listing

        self._submit(self._listings, ("list", layer, path), read, receive)

    def read_file(self, path: str, top: int, receive: Callable[[File], object]) -> None:
        """The beginning of a file, as it is without the layers above `top`."""
        self._submit(
            self._listings, "file", lambda r: tree_jobs.read_file(r.tree, path, top), receive
        )

    def extract(
        self, path: str, top: int, target: str, receive: Callable[[Extracted], object]
    ) -> None:
        """Copy a file or directory to a new place on the host; closing the page stops that."""
        self._submit(
            self._copies,
            ("extract", path, target),
            lambda reading: extract(reading, path, top, target),
            receive,
        )

    def read_blame(self, path: str, receive: Callable[[Any], object]) -> None:
        """What each layer says of a path."""
        self._submit(self._listings, "blame", lambda r: tree_jobs.read_blame(r.tree, path), receive)

    def read_changes(self) -> None:
        """What the topmost layer changes, if that is not known or was not just found out."""
        if self.changes is None or self._changes_cost.is_due():
            self._submit(
                self._walks, "diff", lambda r: tree_jobs.read_changes(r.tree), self._take_changes
            )

    def read_sizes(self, *, again: bool = False) -> None:
        """Walk the layers that were not, or not to the end; `again`: the writable one too."""
        for layer in self.stack.layers if self.stack else ():
            known = self.sizes.get(layer.index)
            done = known is not None and known.done
            if layer.path is not None and (not done or (again and layer.writable)):
                self._walk(layer)

    def _walk(self, layer: Layer) -> None:
        def read(reading: Reading) -> tuple[int, Size]:
            return layer.index, tree_jobs.read_size(reading, layer)

        self._submit(self._walks, ("size", layer.index), read, self._take_size)

    def read_waste(self) -> None:
        """Find what lower layers hold and nobody can see; walks all of them."""
        self.seeks_waste = True
        self._submit(self._walks, "waste", tree_jobs.read_waste, self._take_waste)
        self._tell()

    def _submit(
        self,
        reader: TreeReader | None,
        key: object,
        job: Callable[[Reading], Any],
        receive: Callable[[Any], object],
    ) -> None:
        if reader is not None:
            reader.submit(key, job, receive)

    def _take_size(self, result: tuple[int, Size]) -> None:
        index, size = result
        self.sizes[index] = size
        self._tell()

    def _take_changes(self, changes: Changes) -> None:
        self._changes_cost = changes.cost
        if self.changes is None or (changes.changes, changes.problem) != (
            self.changes.changes,
            self.changes.problem,
        ):
            self.changes = changes
            self._tell()

    def _take_waste(self, waste: Waste | str) -> None:
        self.waste = waste
        self.seeks_waste = False
        self._tell()


def _identity(container: Container) -> _Identity:
    return container.pid, container.start_time
