"""The page of one object: a process, a namespace, a mount."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from nsview.host.model import Namespace, Snapshot
from nsview.host.mounts import MountNode
from nsview.host.namespaces import read_namespaces
from nsview.host.process_details import ProcessDetails, read_process_details
from nsview.host.process_users import ProcessUsers, read_process_users
from nsview.kernel.procfs import Procfs
from nsview.tui.facts import Facts
from nsview.tui.help_texts import MOUNT, NAMESPACE, PROCESS
from nsview.tui.page import Page
from nsview.tui.place import Place, process_place
from nsview.tui.rows.pages import clock_time, mount_grids, namespace_grids, process_grids
from nsview.tui.rows.processes import process_words
from nsview.tui.scanner import Job
from nsview.tui.view import View
from nsview.tui.view_page import ViewPage

_Read = tuple[ProcessDetails, ProcessUsers]


class ObjectView(View):
    """Facts about one object; once it is gone it says so, and keeps what was last known."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = Facts()
        self._gone_since: float | None = None

    def compose(self) -> ComposeResult:
        """One page."""
        yield self.facts

    def focus_content(self) -> None:
        """The page scrolls."""
        self.give_keys_to(self.facts)

    def note_gone(self, snapshot: Snapshot, *, gone: bool) -> None:
        """Remember when it was first missed."""
        if not gone:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = snapshot.taken

    @property
    def remark(self) -> str:
        """``gone since 12:03:11``, or nothing."""
        return "" if self._gone_since is None else f"gone since {clock_time(self._gone_since)}"

    @property
    def alarming(self) -> bool:
        """It is gone."""
        return self._gone_since is not None


class ProcessObject(ObjectView):
    """One process by identity."""

    HELP: ClassVar[str] = PROCESS
    STEPS_INSIDE: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9,ctrl+k", "signal", "signal", id="process.signal"),
    ]

    def __init__(self, identity: tuple[int, int]) -> None:
        super().__init__()
        self._identity = identity
        self._details: ProcessDetails | None = None
        self._users = ProcessUsers()

    def show(self, snapshot: Snapshot) -> None:
        """The process as it is now."""
        self.snapshot = snapshot
        task = snapshot.tasks.get(self._identity[0])
        gone = task is None or task.identity != self._identity
        self.note_gone(snapshot, gone=gone)
        if task is not None and not gone:
            self.facts.show(process_grids(snapshot, task, self._details, self._users))

    def job(self) -> Job:
        """Maps, root, directory, the whole command line, and who it runs as."""
        identity, known = self._identity, self._users

        def read(procfs: Procfs, snapshot: Snapshot) -> _Read | None:
            task = snapshot.tasks.get(identity[0])
            details = read_process_details(procfs, task) if task else None
            if details is None:
                return None
            return details, read_process_users(procfs, snapshot, (identity[0],), known)

        return read

    def receive(self, result: _Read | None) -> None:
        """Fill in what was read."""
        if result is not None and result != (self._details, self._users):
            self._details, self._users = result
            if self.snapshot:
                self.show(self.snapshot)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`--readonly` takes the signal away; who is gone gets none."""
        if action == "signal":
            return not (self.nsview.readonly or self.alarming)
        return super().check_action(action, parameters)

    def action_signal(self) -> None:
        """Ask what to send to this process."""
        task = self.snapshot.tasks.get(self._identity[0]) if self.snapshot else None
        if self.snapshot and task and isinstance(self.screen, Page):
            label = process_words(self.snapshot, task)
            self.screen.nsview.ask_signal([self._identity], label)

    def raw(self) -> object:
        """Census row and details."""
        task = self.snapshot.tasks.get(self._identity[0]) if self.snapshot else None
        return {"process": task, "details": self._details}

    def place(self) -> Place | None:
        """Beside it."""
        task = self.snapshot.tasks.get(self._identity[0]) if self.snapshot else None
        return process_place(task) if task and task.identity == self._identity else None

    def copy_text(self) -> str | None:
        """Its PID on the host."""
        return str(self._identity[0])


class NamespaceObject(ObjectView):
    """One namespace; its members are there at once, its holders when they have been read."""

    HELP: ClassVar[str] = NAMESPACE

    def __init__(self, namespace: Namespace) -> None:
        super().__init__()
        self._namespace = namespace

    def show(self, snapshot: Snapshot) -> None:
        """Holders as they were last read, members from now."""
        self.snapshot = snapshot
        self.facts.show(namespace_grids(snapshot, self._namespace))

    def job(self) -> Job:
        """All of its kind: why one lives can only be told by looking at everything."""
        kind, ino = self._namespace.kind, self._namespace.ino

        def read(procfs: Procfs, snapshot: Snapshot) -> tuple[Snapshot, Namespace | None]:
            found = read_namespaces(procfs, snapshot, kinds=(kind,))
            return snapshot, next((one for one in found if one.ino == ino), None)

        return read

    def receive(self, result: tuple[Snapshot, Namespace | None]) -> None:
        """What was read, or that it is gone."""
        snapshot, namespace = result
        self.note_gone(snapshot, gone=namespace is None)
        self._namespace = namespace or self._namespace
        self.show(self.snapshot or snapshot)
        if isinstance(self.screen, Page):
            self.screen.refresh_frame()

    def raw(self) -> object:
        """The namespace."""
        return self._namespace

    def copy_text(self) -> str | None:
        """``net:[4026531840]``."""
        return f"{self._namespace.kind}:[{self._namespace.ino}]"


class MountObject(ObjectView):
    """One mount, as it was when it was listed."""

    HELP: ClassVar[str] = MOUNT

    def __init__(self, node: MountNode) -> None:
        super().__init__()
        self._node = node

    def show(self, snapshot: Snapshot) -> None:
        """Nothing about it changes."""
        self.facts.show(mount_grids(self._node))

    def raw(self) -> object:
        """The mount."""
        return self._node

    def copy_text(self) -> str | None:
        """Its mount point."""
        return self._node.mount.target


def process_page(identity: tuple[int, int]) -> ViewPage:
    """The page of a process."""
    return ViewPage(ProcessObject(identity), f"process {identity[0]}")


def namespace_page(namespace: Namespace) -> ViewPage:
    """The page of a namespace."""
    return ViewPage(NamespaceObject(namespace), f"{namespace.kind}:[{namespace.ino}]")


def mount_page(node: MountNode) -> ViewPage:
    """The page of a mount."""
    return ViewPage(MountObject(node), f"mount {node.mount.target}")
