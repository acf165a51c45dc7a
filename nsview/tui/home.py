"""The home page: every container of the host in one table."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from nsview.host.model import Container, Snapshot
from nsview.tui.built_table import Built, TableBuilder
from nsview.tui.container_actions import ContainerActions
from nsview.tui.place import Place, container_place
from nsview.tui.prompt import Prompt
from nsview.tui.row_table import RowTable
from nsview.tui.rows.home import (
    GROUPINGS,
    MORE_ISOLATED,
    MORE_STOPPED,
    HomeOptions,
    HomeRows,
    choose,
    home_columns,
    whose,
)
from nsview.tui.rows.home_cells import Seen
from nsview.tui.user_choice import EVERYBODY, user_choice

_TAB_LETTERS = (("L", "layers", True), ("D", "changes", False), ("f", "files", False),
                ("m", "mounts", False))  # fmt: skip
#: Of so many containers the rows take longer to make than a key press may have to wait.
MANY = 50


class HomePage(ContainerActions):
    """Containers of every engine, side by side; the host itself is the first."""

    HELP: ClassVar[str] = """\
A container is no object of the kernel: it is a group of processes whose view of the machine was \
changed, by namespaces, another root and a cgroup. Each process here was found in /proc; its \
cgroup path tells the engine, its namespaces (/proc/PID/ns) tell what is its own (a letter of \
mnpuiUCt: mnt net pid uts ipc user cgroup time) and what it shares with the host (-). Names and \
images were read from the engines' files on disk; no daemon was asked. CPU% is of one processor, \
MEM the working set, both from its own control group; the host's row is the whole machine. In \
front of a name: K processes were OOM-killed, M memory or P tasks near the limit, T throttled.
"""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash,f4", "filter", "filter", priority=True, id="home.filter"),
        Binding("t,f5", "group", "group", id="home.group"),
        Binding("u", "choose_user", "user", id="home.user"),
        Binding("i", "toggle_isolated", "isolated", id="home.isolated"),
        Binding("a", "toggle_stopped", "stopped", id="home.stopped"),
        Binding("ctrl+w", "toggle_wide", "wide", id="home.wide"),
        Binding("x", "xray", "xray", id="home.xray"),
        *(Binding(letter, f"open_tab('{tab}')", tab, show=show, id=f"home.{tab}")
          for letter, tab, show in _TAB_LETTERS),
        Binding("equals_sign", "mark", "mark, to compare others with", show=False,
                key_display="=", id="home.mark"),
        Binding("ctrl+s", "save", "save the table", show=False, id="home.save"),
        Binding("escape", "clear_filter", "clear the filter", show=False, id="home.clear"),
        Binding("backspace", "nothing", show=False),
        Binding("q", "quit", "quit", id="page.quit"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.options = HomeOptions()
        self._rows = HomeRows()
        self._builder = TableBuilder()
        self._builds_aside = False
        self.table = RowTable(
            home_columns(self.options), placeholder="reading /proc ...", markable=True
        )

    def compose_view(self) -> ComposeResult:
        """The table, and nothing else."""
        yield self.table

    def on_mount(self) -> None:
        """Keys go to the table."""
        self.table.focus()
        self._show_options()

    def crumbs(self) -> list[str]:
        """Where everything begins."""
        return ["Containers"]

    def remark(self) -> str:
        """How the table is cut and ordered, where that is not the usual way."""
        options = self.options
        words = [f"{self.table.marks} marked"] if self.table.marks else []
        if options.grouping != GROUPINGS[0]:
            words.append(f"by {options.grouping}")
        if options.user != EVERYBODY:
            words.append(f"of {options.user}")
        if options.filter:
            words.append(f"filter: {options.filter}")
        return " · ".join(words)

    def refresh_view(self) -> None:
        """Show the containers; the cursor stays on its one."""
        if self.snapshot is None:
            return
        options = self.options
        self.table.set_placeholder(f"nothing fits {self._cut_words}: Esc shows everything")
        # Once aside, always aside: what was asked for later is shown later.
        self._builds_aside = self._builds_aside or len(self.snapshot.containers) > MANY
        if self._builds_aside:
            self.nsview.scanner.submit(
                lambda _, snapshot: self._build(snapshot, options), self.snapshot, self._place
            )
        else:
            self._place(self._build(self.snapshot, options))

    def _build(self, snapshot: Snapshot, options: HomeOptions) -> Built:
        rows = self._rows.rows(Seen(snapshot, self.nsview.history), options)
        return self._builder.build(home_columns(options), rows)

    def _place(self, built: Built) -> None:
        self.table.set_built(built)

    @property
    def _cut_words(self) -> str:
        options = self.options
        user = [] if options.user == EVERYBODY else [f"of {options.user}"]
        return " ".join([*([repr(options.filter)] if options.filter else []), *user])

    # What is under the cursor.

    @property
    def container(self) -> Container | None:
        """The container under the cursor."""
        key = self.table.cursor_key
        if self.snapshot is None or not isinstance(key, str):
            return None
        return self.snapshot.container(key)

    def action_mark(self) -> None:
        """Remember the container: `=` in another one's layers compares with it."""
        if (one := self.container) is not None:
            self.nsview.marked = one.ref
            self.nsview.say(f"= in the layers of another one compares with {one.name}")

    def raw(self) -> object | None:
        """The container as the model has it."""
        return self.container

    @property
    def steps_inside(self) -> bool:
        """Containers are what one steps into."""
        return True

    def place(self) -> Place | None:
        """Beside the first process of the container under the cursor."""
        one = self.container
        if one is None or self.snapshot is None:
            return None
        return container_place(self.snapshot, one)

    def copy_text(self) -> str | None:
        """Refs, of the marked ones or of that under the cursor."""
        return " ".join(one.ref for one in self.chosen) or None

    @property
    def chosen(self) -> list[Container]:
        """The marked containers, else the one under the cursor."""
        found = [self.snapshot.container(key) for key in self.table.chosen
                 if self.snapshot and isinstance(key, str)]  # fmt: skip
        return [one for one in found if one is not None]

    @on(RowTable.Marked)
    def _marked(self) -> None:
        self.refresh_frame()

    @on(RowTable.Selected)
    def _open(self, event: RowTable.Selected) -> None:
        event.stop()
        if event.key == MORE_ISOLATED:
            self.action_toggle_isolated()
        elif event.key == MORE_STOPPED:
            self.action_toggle_stopped()
        elif isinstance(event.key, str):
            self.nsview.open_ref(event.key)
        else:
            self._fold(RowTable.Toggled(event.table, event.key))

    @on(RowTable.Toggled)
    def _fold(self, event: RowTable.Toggled) -> None:
        self._change(folded=frozenset(self.options.folded) ^ {event.key})

    # How it is shown.

    def _change(self, **options: object) -> None:
        self.options = replace(self.options, **options)  # type: ignore[arg-type]
        self._show_options()

    def _show_options(self) -> None:
        self.table.set_sort(self.options.sort, reverse=self.options.reverse)
        self.refresh_view()
        self.refresh_frame()

    def action_group(self) -> None:
        """The next way to group."""
        after = GROUPINGS.index(self.options.grouping) + 1
        self._change(grouping=GROUPINGS[after % len(GROUPINGS)])

    def action_choose_user(self) -> None:
        """Ask whose containers to show."""

        def show(user: str | None) -> None:
            if user is not None:
                self._change(user=user)

        if self.snapshot is not None:
            everybodys = replace(self.options, user=EVERYBODY)
            users = map(whose, choose(Seen(self.snapshot, self.nsview.history), everybodys))
            self.app.push_screen(user_choice(users, self.options.user), show)

    def action_toggle_isolated(self) -> None:
        """Processes with some namespace of their own, but the host's root."""
        self._change(isolated=not self.options.isolated)

    def action_toggle_stopped(self) -> None:
        """Containers of which only the files are left."""
        self._change(stopped=not self.options.stopped)

    def action_toggle_wide(self) -> None:
        """More columns."""
        self._change(wide=not self.options.wide)

    @on(RowTable.SortRequested)
    def _sort(self, event: RowTable.SortRequested) -> None:
        self._change(sort=event.column, reverse=event.reverse)

    # The filter.

    def action_filter(self) -> None:
        """Show only what fits, live as it is typed."""
        before = self.options.filter

        def change(text: str) -> None:
            self._change(filter=text)

        self.query_one(Prompt).open(
            "/", before, change=change, enter=change, cancel=lambda: change("")
        )

    def action_clear_filter(self) -> None:
        """Mark nothing, show everything again."""
        self.table.clear_marks()
        if self.options.filter or self.options.user != EVERYBODY:
            self._change(filter="", user=EVERYBODY)

    # What it does.

    def action_open_tab(self, tab: str) -> None:
        """The page of this container, at once on one of its tabs."""
        if (one := self.container) is not None:
            self.nsview.open_ref(one.ref, tab)

    def action_xray(self) -> None:
        """How this container hangs in the tree of namespaces."""
        self.nsview.run_command(f"xray {self.container.ref}" if self.container else "xray")

    def action_save(self) -> None:
        """Write the table to a file."""
        self.ask_to_save(self.table, lambda: {"containers": self._chosen()})

    def _chosen(self) -> list[Container]:
        if self.snapshot is None:
            return []
        return choose(Seen(self.snapshot, self.nsview.history), self.options)

    def action_nothing(self) -> None:
        """There is no crumb before this one."""

    async def action_quit(self) -> None:
        """Leave."""
        self.app.exit()
