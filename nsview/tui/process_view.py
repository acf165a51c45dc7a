"""Processes in a table, one PID column a level: of one container, or of the whole host."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Final, NamedTuple

from textual.binding import Binding, BindingType

from nsview.host.model import Snapshot
from nsview.host.process_users import ProcessUsers, read_process_users
from nsview.host.task_gauge import TaskGauge, Used
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.tui.attic import Attic
from nsview.tui.help_texts import PROCESS_LIST
from nsview.tui.page import Page
from nsview.tui.place import Place, process_place
from nsview.tui.process_figures import Figures, ProcessReading, read_figures
from nsview.tui.row_table import Column, Row, RowTable
from nsview.tui.rows.levels import level_titles
from nsview.tui.rows.outline import Line
from nsview.tui.rows.process_columns import figure_texts, process_cells, process_columns
from nsview.tui.rows.processes import (
    command_line,
    members_within,
    process_lines,
    process_row,
    process_words,
    user_of,
)
from nsview.tui.scanner import Job
from nsview.tui.table_view import SortKey, TableView, tree_row
from nsview.tui.user_choice import EVERYBODY, user_choice
from nsview.units import duration

#: Seconds between the first look at what processes use and the next: clock ticks are 10 ms.
_SECOND_LOOK: Final = 0.5
_USER: Final = KINDS.index("user")


class _Facts(NamedTuple):
    """All that a row is made of: ten thousand rows are not made again when nothing is new."""

    line: Line[Task]
    thread: bool
    uptime: str
    container: str | None
    command: tuple[str, ...] | None
    levels: int
    user: str
    figures: tuple[str, str]


class ProcessView(TableView):
    """A process tree. `ref` is the container whose processes it shows; None: everybody's."""

    HELP: ClassVar[str] = PROCESS_LIST
    STEPS_INSIDE: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t,f5", "toggle_flat", "tree/flat", id="process.flat"),
        Binding("u", "choose_user", "user", id="process.user"),
        Binding("H", "threads", "threads", id="process.threads"),
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
        self._user = EVERYBODY
        self._users = ProcessUsers()
        self._with_threads = False
        self._figures = Figures()
        self._gauge = TaskGauge()
        self._attic = Attic()
        """Both are the scanner's thread's."""
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

    def _wanted(self, snapshot: Snapshot) -> list[Task]:
        """Those and their threads, of the user that somebody asked for."""
        tasks, users, user = self.tasks(snapshot), self._users, self._user
        pids = {task.pid for task in tasks}
        threads = [one for one in self._figures.threads.values() if one.ppid in pids]
        if user == EVERYBODY:
            return tasks + threads
        return [one for one in tasks if user_of(snapshot, one, users) == user] + [
            one for one in threads if user_of(snapshot, one, users, thread=True) == user
        ]

    def amount(self, snapshot: Snapshot) -> int:
        """All processes: to tell which of them are shown takes its time too."""
        return len(snapshot.tasks) + len(self._figures.threads)

    @property
    def remark(self) -> str:
        """What is left out, what threads cost, and the filter."""
        words = [f"no {what}" for what in sorted(self._hidden)]
        if self._user != EVERYBODY:
            words.append(f"of {self._user}")
        if self._with_threads:
            words.append(self._figures.cost_words)
        return " · ".join(filter(None, (*words, super().remark)))

    @property
    def waiting_text(self) -> str:
        """Why there is no row."""
        if self._user != EVERYBODY:
            return f"nothing of {self._user}: Esc shows everybody's"
        return "it does not run: it has no processes"

    def columns(self, snapshot: Snapshot) -> Sequence[Column]:
        """The level columns come and go with the processes."""
        focus = snapshot.container(self._ref) if self._ref else None
        self._levels = level_titles(snapshot, self.tasks(snapshot), focus)
        return process_columns(self._levels, container=not self._ref)

    def rows(self, snapshot: Snapshot) -> list[Row]:
        """A row for each process."""
        lines = process_lines(
            self.in_order(self._wanted(snapshot)),
            flat=self._flat,
            folded=self.folded,  # type: ignore[arg-type]
        )
        shown, rows = self._shown, {}
        users: dict[Hashable, str] = {}
        for line in lines:
            identity, facts = line.item.identity, self._facts(snapshot, line, users)
            known = shown.get(identity)
            if known is None or known[0] != facts:
                shown[identity] = known = facts, self._row(snapshot, facts)
            rows[identity] = known[1]
        if len(shown) > len(rows):
            for identity in [one for one in shown if one not in rows]:
                del shown[identity]
        return list(rows.values())

    def _facts(self, snapshot: Snapshot, line: Line[Task], users: dict[Hashable, str]) -> _Facts:
        task, used = line.item, self._figures.used.get(line.item.identity, Used())
        thread = task.identity in self._figures.threads
        container = snapshot.membership.get(task.ppid if thread else task.pid)
        who = task.uid, task.namespaces[_USER], container
        if (user := users.get(who)) is None:
            user = users[who] = user_of(snapshot, task, self._users, thread=thread)
        return _Facts(
            line,
            thread,
            duration(snapshot.taken - snapshot.started(task)),
            container,
            None if thread else snapshot.commands.get(task.pid),
            len(self._levels),
            user,
            figure_texts(*used),
        )

    def _row(self, snapshot: Snapshot, facts: _Facts) -> Row:
        row = process_row(
            snapshot, facts.line, facts.levels, facts.user, facts.figures, thread=facts.thread
        )
        return tree_row(row.key, process_cells(row, container=not self._ref), row.line)

    def sort_keys(self) -> Mapping[str, SortKey]:
        """The numbers at each level, and what is known of each process."""

        snapshot, figures = self.snapshot, self._figures

        def user(task: Task) -> str:
            thread = task.identity in figures.threads
            return user_of(snapshot, task, self._users, thread=thread) if snapshot else ""

        def used(task: Task) -> Used:
            return figures.used.get(task.identity, Used())

        levels: dict[str, SortKey] = {
            f"level-{level}": partial(_number_at, level) for level in range(len(self._levels))
        }
        return levels | {
            "user": user,
            "state": lambda task: task.state,
            "threads": lambda task: -task.threads,
            "cpu": lambda task: -(used(task).cpu or 0.0),
            "memory": lambda task: -used(task).memory,
            "uptime": lambda task: -task.start_time,
            "container": lambda task: snapshot.membership.get(task.pid, "") if snapshot else "",
            "command": lambda task: command_line(snapshot, task) if snapshot else "",
        }

    def job(self) -> Job:
        """Who they run as: a uid map a user namespace, the accounts of each container once.

        And what they use, as often as that costs little: a read a process.
        """
        ref, known, gauge, attic = self._ref, self._users, self._gauge, self._attic
        threads = self._with_threads
        due = self._figures.cost.is_due()

        def read(procfs: Procfs, snapshot: Snapshot) -> ProcessReading:
            pids = members_within(snapshot, ref) if ref else list(snapshot.tasks)
            users = read_process_users(procfs, snapshot, pids, known)
            if users == known:
                users = known
            if not due:
                return ProcessReading(users)
            figures = read_figures(procfs, snapshot, pids, gauge, threads=threads)
            attic.keep(figures.used.values())
            return ProcessReading(users, figures)

        return read

    def receive(self, result: ProcessReading) -> None:
        """Fill in users and figures."""
        if result.figures is None and result.users is self._users:
            return
        first = not self._figures.used
        figures = result.figures or self._figures
        self._users, self._figures = result.users, figures
        self.rebuild()
        if isinstance(self.screen, Page):
            self.screen.refresh_frame()
            if first and figures.used:  # rates take a second look: nobody waits long for that
                self.set_timer(_SECOND_LOOK, self.screen.ask)

    def action_toggle_flat(self) -> None:
        """Between the tree and a plain list by PID."""
        self._flat = not self._flat
        self.rebuild()

    def action_threads(self) -> None:
        """Show the threads of each process below it, or no more."""
        self._with_threads = not self._with_threads
        self._figures = Figures(self._figures.used)  # and look at once
        self.rebuild()
        if isinstance(self.screen, Page):
            self.screen.ask()
            self.screen.refresh_frame()

    def action_choose_user(self) -> None:
        """Ask whose processes to show."""
        if self.snapshot is not None:
            snapshot, users = self.snapshot, self._users
            found = [user_of(snapshot, task, users) for task in self.tasks(snapshot)]
            self.app.push_screen(user_choice(found, self._user), self._show_user)

    def _show_user(self, user: str | None) -> None:
        if user is None:
            return
        self._user = user
        self.rebuild()
        self.refresh_bindings()
        if isinstance(self.screen, Page):
            self.screen.refresh_frame()

    def action_clear_filter(self) -> None:
        """Escape: everybody's again, too."""
        self._user = EVERYBODY
        super().action_clear_filter()

    def action_hide(self, what: str) -> None:
        """Leave some out, or show them again."""
        self._hidden ^= {what}
        self.rebuild()
        if isinstance(self.screen, Page):
            self.screen.refresh_frame()

    def action_signal(self) -> None:
        """Ask what to send to the processes that are marked, or to that under the cursor."""
        tasks = list(dict.fromkeys(map(self._process_of, self.chosen_tasks())))
        if tasks and self.snapshot and isinstance(self.screen, Page):
            one = process_words(self.snapshot, tasks[0])
            label = one if len(tasks) == 1 else f"{len(tasks)} processes"
            self.screen.nsview.ask_signal([task.identity for task in tasks], label)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`--readonly` takes the signal away; only the host has processes of both kinds."""
        if action == "clear_filter" and self._user != EVERYBODY:
            return True
        if action == "hide":
            return self._ref is None or (self._ref, *parameters) == ("host", "kernel threads")
        if action == "signal":
            return not self.nsview.readonly
        return super().check_action(action, parameters)

    def raw(self) -> object | None:
        """The process under the cursor."""
        return self.task_at_cursor()

    def place(self) -> Place | None:
        """Beside the process under the cursor, in that very process's namespaces."""
        task = self.task_at_cursor()
        return process_place(self._process_of(task)) if task else None

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
        """A process or thread by identity."""
        if self.snapshot is None or not isinstance(key, tuple):
            return None
        task = self.snapshot.tasks.get(key[0]) or self._figures.threads.get(key)
        return task if task is not None and task.identity == key else None

    def _process_of(self, task: Task) -> Task:
        """Of a thread; a process itself. Signals and shells know processes alone."""
        assert self.snapshot is not None
        thread = task.identity in self._figures.threads
        return self.snapshot.tasks.get(task.ppid, task) if thread else task

    def open_row(self, key: Hashable) -> None:
        """Enter: the page of the process."""
        from nsview.tui.object_page import process_page

        if task := self.find_task(key):
            self.app.push_screen(process_page(self._process_of(task).identity))


def _number_at(level: int, task: Task) -> tuple[bool, int]:
    return level >= len(task.pids), task.pids[min(level, len(task.pids) - 1)]
