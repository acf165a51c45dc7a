"""Processes in a table, one PID column a level: of one container, or of the whole host."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from nsview.host.model import Snapshot
from nsview.host.process_users import ProcessUsers, read_process_users, user_words
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.tui.help_texts import PROCESS_LIST
from nsview.tui.page import Page
from nsview.tui.place import Place, process_place
from nsview.tui.row_table import Cell, Column, Row, RowTable
from nsview.tui.rows.levels import level_titles
from nsview.tui.rows.outline import Line
from nsview.tui.rows.processes import (
    ProcessRow,
    command_line,
    members_within,
    process_lines,
    process_row,
    process_words,
)
from nsview.tui.scanner import Job
from nsview.tui.table_view import SortKey, TableView, tree_row
from nsview.units import duration

_CONTAINER = Column(key="container", title="CONTAINER", max_width=24)
_COLUMNS = (
    Column(key="user", title="USER (in)", max_width=18, worth=3),
    Column(key="state", title="S", width=1, worth=2),
    Column(key="threads", title="THR", align="right", min_width=3, worth=1),
    Column(key="uptime", title="UP", align="right", min_width=4, worth=4, letter="T"),
    Column(key="command", title="COMMAND", min_width=20, flex=True, tree=True),
)


class _Facts(NamedTuple):
    """All that a row is made of: ten thousand rows are not made again when nothing is new."""

    line: Line[Task]
    uptime: str
    container: str | None
    command: tuple[str, ...] | None
    levels: int
    users: ProcessUsers


class ProcessView(TableView):
    """A process tree. `ref` is the container whose processes it shows; None: everybody's."""

    HELP: ClassVar[str] = PROCESS_LIST
    STEPS_INSIDE: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t,f5", "toggle_flat", "tree/flat", id="process.flat"),
        Binding("f9,ctrl+k", "signal", "signal", id="process.signal"),
        Binding("K", "hide('kernel threads')", "kernel threads", show=False,
                id="process.kernel-threads"),
        Binding("O", "hide('host processes')", "host processes", show=False,
                id="process.host"),
    ]  # fmt: skip

    def __init__(self, ref: str | None = None) -> None:
        super().__init__()
        self._ref = ref
        self.table = RowTable(markable=True)
        self._hidden: set[str] = set()
        self._flat = False
        self._levels: tuple[str, ...] = ("HOST",)
        self._users = ProcessUsers()
        self._shown: dict[tuple[int, int], tuple[_Facts, Row]] = {}

    def tasks(self, snapshot: Snapshot) -> list[Task]:
        """The processes in question."""
        pids = snapshot.tasks if self._ref is None else members_within(snapshot, self._ref)
        found = [snapshot.tasks[pid] for pid in pids]
        if "kernel threads" in self._hidden:
            found = [task for task in found if not task.kernel_thread]
        if "host processes" in self._hidden:
            found = [task for task in found if task.pid in snapshot.membership]
        return found

    def amount(self, snapshot: Snapshot) -> int:
        """All processes: to tell which of them are shown takes its time too."""
        return len(snapshot.tasks)

    @property
    def remark(self) -> str:
        """What is left out, and the filter."""
        words = [f"no {what}" for what in sorted(self._hidden)]
        return " · ".join(filter(None, (*words, super().remark)))

    def columns(self, snapshot: Snapshot) -> Sequence[Column]:
        """The level columns come and go with the processes."""
        focus = snapshot.container(self._ref) if self._ref else None
        self._levels = level_titles(snapshot, self.tasks(snapshot), focus)
        container = [] if self._ref else [_CONTAINER]
        levels = [
            Column(key=f"level-{n}", title=title, align="right", min_width=7, letter=letter)
            for n, (title, letter) in enumerate(zip_longest(self._levels, "P", fillvalue=""))
        ]
        return (*levels, *container, *_COLUMNS)

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """A row for each process."""
        lines = process_lines(
            snapshot,
            (task.pid for task in self.in_order(self.tasks(snapshot))),
            flat=self._flat,
            folded=self.folded,  # type: ignore[arg-type]
        )
        shown: dict[tuple[int, int], tuple[_Facts, Row]] = {}
        for line in lines:
            facts = self._facts(snapshot, line)
            known = self._shown.get(line.item.identity)
            if known is None or known[0] != facts:
                known = facts, self._row(process_row(snapshot, line, facts.levels, facts.users))
            shown[line.item.identity] = known
        self._shown = shown
        return [row for _, row in shown.values()]

    def _facts(self, snapshot: Snapshot, line: Line[Task]) -> _Facts:
        task = line.item
        return _Facts(
            line,
            duration(snapshot.taken - snapshot.started(task)),
            snapshot.membership.get(task.pid),
            snapshot.commands.get(task.pid),
            len(self._levels),
            self._users,
        )

    def _row(self, row: ProcessRow) -> Row:
        container = (
            [] if self._ref else [Cell(row.container or "host", "" if row.container else "dim")]
        )
        return tree_row(
            row.key,
            (
                *(Cell(pid, "dim" if pid == "–" else "") for pid in row.pids),
                *container,
                Cell(row.user),
                Cell(row.task.state, "good" if row.task.state == "R" else ""),
                Cell(str(row.task.threads)),
                Cell(duration(row.uptime)),
                Cell(row.command, "dim" if row.task.kernel_thread else ""),
            ),
            row.line,
        )

    def sort_keys(self) -> Mapping[str, SortKey]:
        """The numbers at each level, and what is known of each process."""

        snapshot = self.snapshot

        def user(task: Task) -> str:
            return str(user_words(snapshot, task, self._users)) if snapshot else ""

        levels: dict[str, SortKey] = {
            f"level-{level}": partial(_number_at, level) for level in range(len(self._levels))
        }
        return levels | {
            "user": user,
            "state": lambda task: task.state,
            "threads": lambda task: -task.threads,
            "uptime": lambda task: -task.start_time,
            "container": lambda task: snapshot.membership.get(task.pid, "") if snapshot else "",
            "command": lambda task: command_line(snapshot, task) if snapshot else "",
        }

    def job(self) -> Job:
        """Who they run as: a uid map a user namespace, the accounts of each container once."""
        ref, known = self._ref, self._users

        def read(procfs: Procfs, snapshot: Snapshot) -> ProcessUsers:
            pids = members_within(snapshot, ref) if ref else list(snapshot.tasks)
            return read_process_users(procfs, snapshot, pids, known)

        return read

    def receive(self, result: ProcessUsers) -> None:
        """Fill in the users."""
        if result != self._users:
            self._users = result
            self.rebuild()

    def action_toggle_flat(self) -> None:
        """Between the tree and a plain list by PID."""
        self._flat = not self._flat
        self.rebuild()

    def action_hide(self, what: str) -> None:
        """Leave some out, or show them again."""
        self._hidden ^= {what}
        self.rebuild()
        if isinstance(self.screen, Page):
            self.screen.refresh_frame()

    def action_signal(self) -> None:
        """Ask what to send to the processes that are marked, or to that under the cursor."""
        tasks = self.chosen_tasks()
        if tasks and self.snapshot and isinstance(self.screen, Page):
            one = process_words(self.snapshot, tasks[0])
            label = one if len(tasks) == 1 else f"{len(tasks)} processes"
            self.screen.nsview.ask_signal([task.identity for task in tasks], label)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`--readonly` takes the signal away; only the host has processes of both kinds."""
        if action == "hide":
            return self._ref is None or (self._ref, *parameters) == ("host", "kernel threads")
        if action == "signal":
            return isinstance(self.screen, Page) and not self.screen.nsview.readonly
        return super().check_action(action, parameters)

    def raw(self) -> object | None:
        """The process under the cursor."""
        return self.task_at_cursor()

    def place(self) -> Place | None:
        """Beside the process under the cursor, in that very process's namespaces."""
        task = self.task_at_cursor()
        return process_place(task) if task else None

    def copy_text(self) -> str | None:
        """PIDs on the host, of the marked ones or of that under the cursor."""
        return " ".join(str(task.pid) for task in self.chosen_tasks()) or None

    def chosen_tasks(self) -> list[Task]:
        """Those marked that are still there, else the one under the cursor."""
        return [task for key in self.table.chosen if (task := self.find_task(key)) is not None]

    def task_at_cursor(self) -> Task | None:
        """The process under the cursor, if it is still there and still the same."""
        return self.find_task(self.cursor_key)

    def find_task(self, key: Hashable | None) -> Task | None:
        """A process by identity."""
        if self.snapshot is None or not isinstance(key, tuple):
            return None
        task = self.snapshot.tasks.get(key[0])
        return task if task is not None and task.identity == key else None

    def open_row(self, key: Hashable) -> None:
        """Enter: the page of the process."""
        from nsview.tui.object_page import process_page

        if task := self.find_task(key):
            self.app.push_screen(process_page(task.identity))


def _number_at(level: int, task: Task) -> tuple[bool, int]:
    return level >= len(task.pids), task.pids[min(level, len(task.pids) - 1)]
