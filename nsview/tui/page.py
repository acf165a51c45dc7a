"""What all screens have in common: three lines of frame, the snapshots, jobs, help, raw and copy.

::

     nsview  host-a   6.18.44 · cgroup v2 · 14 containers · 412 processes      ● 2 s   partial: ...
     Containers › web-1 › Layers                                                           (remark)
     ... what `compose_view` yields ...
     Enter open  s shell  / filter  : command                             (hints, or a prompt)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from nsview.errors import NsviewError
from nsview.host.model import Snapshot
from nsview.tui.frame import Crumbs, Hints, StatusLine
from nsview.tui.place import Place
from nsview.tui.prompt import Prompt
from nsview.tui.row_messages import SortMenuRequested
from nsview.tui.row_table import RowTable
from nsview.tui.save import save
from nsview.tui.scanner import Job
from nsview.tui.shell import Shell
from nsview.tui.window import is_closed


class Page(Screen[None]):
    """A full screen. Subclasses override what they have something to say to."""

    HELP: ClassVar[str] = ""
    """Two or three sentences: what the kernel does here, and where the facts come from."""

    CSS_PATH = Path(__file__).with_suffix(".tcss")

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace,q", "back", "back", id="page.back"),
        # By priority: what is typed in one go (tmux send-keys ":ps") arrives in the prompt whole.
        Binding("colon", "command", "command", priority=True, id="page.command"),
        Binding("s", "step_inside", "shell", id="inside.shell"),
        Binding("S", "step_inside(True)", "shell: user, command, namespaces ...", show=False,
                id="inside.choose"),
        Binding("y", "raw", "raw", show=False, id="page.raw"),
        Binding("c", "copy", "copy", show=False, id="page.copy"),
    ]  # fmt: skip

    snapshot: Snapshot | None = None
    _is_composed = False

    def compose(self) -> ComposeResult:
        """The frame around the view."""
        yield StatusLine()
        yield Crumbs()
        yield from self.compose_view()
        yield Hints()
        yield Prompt()

    def compose_view(self) -> ComposeResult:
        """Everything between the breadcrumbs and the hints."""
        raise NotImplementedError

    # What subclasses may say.

    def crumbs(self) -> Sequence[str]:
        """What this screen adds to the breadcrumbs."""
        return ()

    def remark(self) -> str:
        """What stands at the right end of the breadcrumb line."""
        return ""

    @property
    def alarming(self) -> bool:
        """The remark is bad news."""
        return False

    def refresh_view(self) -> None:
        """Show `self.snapshot`, on the UI's thread: must not read anything."""

    def job(self) -> Job | None:
        """What is to be read after each snapshot, by the scanner's thread, if anything."""
        return None

    def receive(self, result: Any) -> None:
        """Show what `job` has read. Until then the previous content stays."""

    def raw(self) -> object | None:
        """What `y` shows as JSON: a dataclass, a mapping, a list."""
        return None

    def copy_text(self) -> str | None:
        """What `c` copies: a ref, an inode, a path."""
        return None

    @property
    def steps_inside(self) -> bool:
        """There are places to step into here."""
        return False

    def place(self) -> Place | None:
        """Where `s` leads: what is under the cursor, or what the page is about.

        Raises `NsviewError` when nobody can step in there.
        """
        return None

    # The machinery.

    @property
    def nsview(self) -> Shell:
        """The app, as what it is."""
        return self.app  # type: ignore[return-value]  # pages are shown by no other app

    def on_mount(self) -> None:
        """What is known already is shown at once."""
        self._is_composed = not is_closed(self)
        if self._is_composed:
            self.take_latest()

    def on_screen_resume(self) -> None:
        """What happened while another screen was on top."""
        self.take_latest()

    def take_latest(self) -> None:
        """Show the newest snapshot that there is, unless it is the one that is shown."""
        latest = self.nsview.snapshot
        if latest is not None and latest is not self.snapshot:
            self.show_snapshot(latest)
        else:
            self.refresh_frame()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the host as it is now, and have the rest read."""
        if not self._is_composed:  # it is on the stack, and nothing is on it: `on_mount` shows it
            return
        self.snapshot = snapshot
        self.refresh_view()
        self.refresh_frame()
        self.ask()

    def ask(self) -> None:
        """Have the scanner do the job, now."""
        if self.snapshot is not None and (job := self.job()) is not None:
            self.nsview.scanner.submit(job, self.snapshot, self.receive)

    def refresh_frame(self) -> None:
        """Status, breadcrumbs."""
        # A page that is being closed is still told what was read; its lines are the first to go.
        if self.is_mounted and len(self.query("StatusLine, Crumbs")) == 2:
            self.query_one(StatusLine).show(self.nsview.status())
            trail = [crumb for page in self._trail() for crumb in page.crumbs()]
            self.query_one(Crumbs).show(trail, self.remark(), alarming=self.alarming)

    def _trail(self) -> Iterator[Page]:
        for screen in self.app.screen_stack:
            if isinstance(screen, Page):
                yield screen
            if screen is self:
                return

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While somebody types, a colon is a colon; readonly, or with nobody there, no shell."""
        if action == "step_inside":
            return self.steps_inside and not self.nsview.readonly
        return not (action in ("command", "filter") and self.has_class("-prompting"))

    @on(Crumbs.Chosen)
    def _go_back_to(self, event: Crumbs.Chosen) -> None:
        owners = [page for page in self._trail() for _ in page.crumbs()]
        while self.app.screen is not owners[event.index]:
            self.app.pop_screen()

    @on(SortMenuRequested)
    def _choose_order(self, event: SortMenuRequested) -> None:
        from nsview.tui.dialog import ChoiceScreen

        event.stop()
        choices = [(one.key, one.title) for one in event.columns]
        self.app.push_screen(ChoiceScreen("sort by", choices, chosen=event.chosen), event.answer)

    def ask_to_save(self, table: RowTable, things: Callable[[], object]) -> None:
        """Ask for a file name, and write the table as it is then, or `things` as JSON."""

        def write(path: str) -> None:
            if not path:
                return
            try:
                saved = save(path, table.columns, table.rows, things())
            except NsviewError as error:
                self.nsview.complain(error)
            else:
                self.nsview.say(saved, title="saved")

        self.query_one(Prompt).open("save as (.json or text):", enter=write)

    # Actions.

    def action_step_inside(self, choose: bool = False) -> None:
        """A shell where the thing under the cursor is."""
        try:
            place = self.place()
        except NsviewError as error:
            self.nsview.complain(error)
        else:
            if place is not None:
                self.nsview.step_inside(place, choose=choose)

    def action_back(self) -> None:
        """One crumb back, but once; the home screen stays."""
        if self.is_active:
            self.app.pop_screen()

    def action_command(self) -> None:
        """Open the command line."""
        app = self.nsview
        self.query_one(Prompt).open(":", enter=app.run_command, complete=app.complete_command)

    def action_raw(self) -> None:
        """Show what is under the cursor as JSON."""
        from nsview.tui.text_screen import json_screen

        if (thing := self.raw()) is not None:
            self.app.push_screen(json_screen(self.copy_text() or "raw", thing))

    def action_copy(self) -> None:
        """Copy its name to the terminal's clipboard (OSC 52)."""
        if text := self.copy_text():
            self.nsview.copy(text)
