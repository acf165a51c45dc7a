"""What the Layers, Changes and Files tabs of one container share: its stack and what was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, cast

from textual.message import Message

from nsview.display import display
from nsview.errors import NsviewError
from nsview.host.host import Host
from nsview.host.model import Snapshot
from nsview.host.stacks import read_stack
from nsview.kernel.procfs import Procfs
from nsview.layers.merge import MergedTree
from nsview.layers.stack import Layer, Stack
from nsview.layers.waste import Waste
from nsview.tui import tree_jobs
from nsview.tui.cost import Cost, cost_of_failing
from nsview.tui.extraction import Extracted, extract
from nsview.tui.rows.files import Listing
from nsview.tui.rows.stack import Size
from nsview.tui.scanner import Job, Source
from nsview.tui.tree_jobs import Blamed, Changes, File
from nsview.tui.tree_reader import Reading, TreeReader

Identity = tuple[int | None, int | None]
"""PID and start time of a container's first process."""
Post = Callable[[Message], object]


class Read(NamedTuple):
    """The stack of one start of a container, or why it has none."""

    identity: Identity
    stack: Stack | None = None
    partial: tuple[str, ...] = ()
    """What it may lack."""
    problem: str = ""


class Explorer:
    """Of the UI's thread. Others read for it: the scanner the stack, two more what is in it.

    `watch` says who wants to know of news. `close` stops them.
    """

    waiting = "comparing the writable layer with those below ..."
    unchanged = "nothing has been added, changed or deleted"
    commits = True
    """Its layers can become an image."""

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
        self._identity: Identity | None = None
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
        identity = identify(snapshot, self.ref)
        if identity is None and self.stack is None:
            self.problem = "it is gone, and its layers were not read before"
            self._tell()
        if identity is None or identity == self._identity:
            return None
        ref, host = self.ref, cast(Host, source)

        def read(_: Procfs, snapshot: Snapshot) -> Read | None:
            return read_layers(host, snapshot, ref)

        return read

    def take(self, result: Read | None, post: Post) -> None:
        """What that job has read. A stack that was read stays when there is none any more."""
        if result is None:
            return
        if result.stack is None:
            self.problem = result.problem
        else:
            self._identity, self.partial = result.identity, result.partial
            if result.stack != self.stack:
                self._use(result.stack, post)
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

        `first`: of one with many names, the first ones are enough for now.
        """
        generation = self.generation

        def read(reading: Reading) -> tuple[int, int | None, str, Listing]:
            listing = tree_jobs.read_first(reading.tree, path, layer) if first else None
            if listing is None:
                listing = tree_jobs.read_all(reading, path, layer)
            return generation, layer, path, listing

        def failed(words: str) -> tuple[int, int | None, str, Listing]:
            failure = Listing(problem=display(words), cost=cost_of_failing())
            return generation, layer, path, failure

        self._submit(self._listings, ("list", layer, path), read, receive, failed)

    def stack_from(self, top: int) -> Stack | None:
        """The stack without the layers above `top`; None is all of it."""
        if self.stack is None or top == 0:
            return None
        return replace(self.stack, layers=self.stack.layers[top:])

    def read_file(self, path: str, top: int, receive: Callable[[File], object]) -> None:
        """The beginning of a file, as it is in `stack_from(top)`."""
        stack = self.stack_from(top)
        self._submit(
            self._listings,
            "file",
            lambda reading: tree_jobs.read_file(reading.tree, path, stack),
            receive,
            lambda words: File(path=path, problem=display(words)),
        )

    def extract(
        self, path: str, top: int, target: str, receive: Callable[[Extracted], object]
    ) -> None:
        """Copy a file or directory to a new place on the host; closing the page stops that."""
        stack = self.stack_from(top)
        self._submit(
            self._copies,
            ("extract", path, target),
            lambda reading: extract(reading, path, stack, target),
            receive,
            lambda words: Extracted(path=path, target=target, problem=display(words)),
        )

    def blamed(self, top: int) -> Stack | None:
        """Which layers are asked about what is in `stack_from(top)`; None: all."""
        return None

    def read_blame(self, path: str, top: int, receive: Callable[[Blamed], object]) -> None:
        """What each layer says of a path."""
        stack = self.blamed(top)
        asked = stack or self.stack
        if asked is None:
            return
        self._submit(
            self._listings,
            "blame",
            lambda reading: tree_jobs.read_blame(reading.tree, path, stack),
            receive,
            lambda words: Blamed(path, asked, (), display(words)),
        )

    def read_changes(self) -> None:
        """What the topmost layer changes, if that is not known or was not just found out."""
        if self.changes is None or self._changes_cost.is_due():
            self._submit(
                self._walks,
                "diff",
                self.changes_job(),
                self._take_changes,
                lambda words: Changes(problem=display(words), cost=cost_of_failing()),
            )

    def changes_job(self) -> Callable[[Reading], Changes]:
        """What finds them out."""
        return lambda reading: tree_jobs.read_changes(reading.tree)

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

        def failed(words: str) -> tuple[int, Size]:
            return layer.index, Size(problem=display(words))

        self._submit(self._walks, ("size", layer.index), read, self._take_size, failed)

    def read_waste(self) -> None:
        """Find what lower layers hold and nobody can see; walks all of them."""
        self.seeks_waste = True
        self._submit(self._walks, "waste", tree_jobs.read_waste, self._take_waste, display)
        self._tell()

    def _submit(
        self,
        reader: TreeReader | None,
        key: object,
        job: Callable[[Reading], Any],
        receive: Callable[[Any], object],
        failed: Callable[[str], Any],
    ) -> None:
        if reader is not None:
            reader.submit(key, job, receive, failed)

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


def identify(snapshot: Snapshot, ref: str) -> Identity | None:
    """Which start of the container it is; None when it is gone."""
    container = snapshot.container(ref)
    return None if container is None else (container.pid, container.start_time)


def read_layers(host: Host, snapshot: Snapshot, ref: str) -> Read | None:
    """The stack of a container; None when that is gone. Called on the scanner's thread."""
    container, identity = snapshot.container(ref), identify(snapshot, ref)
    if container is None or identity is None:
        return None
    try:
        stack = read_stack(host, snapshot, container)
    except NsviewError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return Read(identity, problem=error.message + hint)
    return Read(identity, stack, (*stack.notes, *MergedTree(stack).partial))
