"""The terminal UI as a whole: one scanner, one snapshot for all pages, a stack of pages."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen

from nsview.errors import NoSuchObject, NotPermitted, NsviewError
from nsview.tui.any_bytes import bear_any_bytes
from nsview.tui.commands import commands, complete, find_command
from nsview.tui.hangup import end_with_terminal
from nsview.tui.home import HomePage
from nsview.tui.keymap import bindings_of, find_clashes
from nsview.tui.page import Page
from nsview.tui.palette import ContainerProvider, Palette, has_room
from nsview.tui.place import Place
from nsview.tui.scanner import JobDone, ScanFailed, Scanned, Source
from nsview.tui.settings import Settings, read_settings, remember_theme
from nsview.tui.shell import Shell
from nsview.tui.status import Status, describe, host_words, lacks_rates
from nsview.tui.watch import Subscribe

if TYPE_CHECKING:
    from nsview.tui.step_inside import StepInside

_DEFAULT_THEME = "textual-dark"
#: Seconds from the first look to the next: the sooner, the more of a rate is chance.
_SECOND_LOOK = 0.5
_PRINTED = {
    "esc": "Esc", "home": "Home", "end": "End", "pgup": "PgUp", "pgdn": "PgDn", "space": "Space",
}  # fmt: skip
_FUNCTION_KEY = re.compile("f[0-9]+")


class NsviewApp(Shell):
    """`source` is looked at every `interval` seconds; `reference` names the page to begin with.

    `subscribe` lets it look sooner when processes start or end.

    `theme` and `keymap` (binding id -> "key,key") override the settings, which are read from the
    user's configuration file unless they are given.
    """

    TITLE = "nsview"
    # Textual loads no stylesheet of a default screen's own, so the pages' one is the app's too. The
    # screen of a mode has it, but is composed before it is on the stack (eager tasks, Python 3.12).
    CSS_PATH = Page.CSS_PATH
    COMMANDS = App.COMMANDS | {ContainerProvider}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("Z,p", "freeze", "freeze", id="app.freeze"),
        Binding("question_mark,f1", "help", "help", id="app.help"),
        Binding("ctrl+r", "look_now", "refresh now", show=False, id="app.refresh"),
        Binding("ctrl+c,ctrl+q,f10", "quit", "quit at once", show=False, priority=True,
                id="app.quit"),
    ]  # fmt: skip

    def __init__(
        self,
        source: Source,
        reference: str | None = None,
        *,
        readonly: bool = False,
        interval: float = 2.0,
        theme: str | None = None,
        keymap: dict[str, str] | None = None,
        settings: Settings | None = None,
        subscribe: Subscribe | None = None,
    ) -> None:
        super().__init__(
            source, settings or read_settings(), readonly=readonly, interval=interval,
            subscribe=subscribe,
        )  # fmt: skip
        bear_any_bytes()
        self._reference = reference
        self._host = host_words()
        self._failure: str | None = None
        self._inside: StepInside | None = None
        self._wanted_theme = theme or self.settings.theme or _DEFAULT_THEME
        self._wanted_keymap = dict(self.settings.keys if keymap is None else keymap)

    def get_default_screen(self) -> Screen[Any]:
        """The page that is always at the bottom of the stack."""
        return HomePage()

    def on_mount(self) -> None:
        """Start looking."""
        if self._wanted_theme in self.available_themes:
            self.theme = self._wanted_theme
        else:
            self.say(f"no theme {self._wanted_theme!r}", severity="warning")
        for problem in self.settings.problems:
            self.say(problem, severity="warning")
        self.set_keymap(self._wanted_keymap)
        self.call_after_refresh(self._check_keys, self.screen)
        self.screen_change_signal.subscribe(
            self, lambda screen: self.call_after_refresh(self._check_keys, screen)
        )
        self.app_suspend_signal.subscribe(self, lambda _: self.scanner.suspend(True))
        self.app_resume_signal.subscribe(self, lambda _: self.scanner.suspend(False))
        if not self.is_headless and sys.__stdin__ is not None:
            end_with_terminal(sys.__stdin__.fileno())
        self.scanner.start()

    def on_unmount(self) -> None:
        """Stop looking."""
        self.scanner.stop()

    # What the scanner tells.

    @on(Scanned)
    def _show_snapshot(self, event: Scanned) -> None:
        first, self.snapshot = self.snapshot is None, event.snapshot
        self.history.add(event.snapshot)
        self._failure = None
        if first and self._reference is not None:
            self.open_ref(self._reference)
        if first and lacks_rates(event.snapshot):
            self.set_timer(_SECOND_LOOK, self.scanner.look_now)
        if (page := self.page) is not None:
            page.show_snapshot(event.snapshot)

    @on(JobDone)
    def _give(self, event: JobDone) -> None:
        # Whoever asked may be gone by now.
        receiver = getattr(event.receive, "__self__", None)
        if not isinstance(receiver, DOMNode) or receiver.is_attached:
            event.receive(event.result)

    @on(ScanFailed)
    def _tell_failure(self, event: ScanFailed) -> None:
        words = f"{type(event.error).__name__}: {event.error}"
        if words != self._failure:
            self._failure = words
            self.say(words, title="cannot read", severity="error")
        if (page := self.page) is not None:
            page.refresh_frame()

    @property
    def page(self) -> Page | None:
        """The topmost page; dialogs may be above it."""
        pages = (one for one in reversed(self.screen_stack) if isinstance(one, Page))
        return next(pages, None)

    def status(self) -> Status:
        """The first line of every page."""
        return describe(
            self._host,
            self.snapshot,
            interval=self.scanner.interval,
            frozen=self.scanner.frozen,
            readonly=self.readonly,
            failure=self._failure,
        )

    def get_key_display(self, binding: Binding) -> str:
        """Keys as they are printed on them."""
        shown = super().get_key_display(binding)
        return shown.upper() if _FUNCTION_KEY.fullmatch(shown) else _PRINTED.get(shown, shown)

    # What the user wants.

    def run_command(self, line: str) -> None:
        """What was typed after the colon; a bare number is a PID."""
        name, _, rest = line.strip().partition(" ")
        if not name:
            return
        if name.isdecimal():
            name, rest = "pid", name
        try:
            command = find_command(name)
            if command.changes and self.readonly:
                raise NotPermitted(f":{command.name} changes the host: not with --readonly")
            command.run(self, rest.strip())
        except NsviewError as error:
            self.complain(error)

    def complete_command(self, line: str) -> list[str]:
        """What a command line may become."""
        themes = sorted(self.available_themes)
        return complete(line, self.snapshot, themes, readonly=self.readonly)

    def open_container(self, reference: str, tab: str = "summary") -> None:
        """Open the page of a container; raises `NoSuchObject`."""
        from nsview.tui.container import ContainerScreen

        self.push_screen(ContainerScreen(self.find_container(reference).ref, tab))

    def open_comparison(self, reference: str, against: str) -> None:
        """Show what differs between two containers; raises `NoSuchObject`."""
        from nsview.tui.comparison import ComparisonPage

        refs = [self.find_container(words).ref for words in (reference, against)]
        self.push_screen(ComparisonPage(*refs))

    def step_inside(self, place: Place, *, choose: bool = False) -> None:
        """A shell there; `choose`: ask as whom, with what and into which namespaces first."""
        if self.readonly or self.snapshot is None:
            return
        from nsview.tui.step_inside import StepInside, shell_choice

        self._inside = self._inside or StepInside(self)
        begin = partial(self._inside.begin, place, self.snapshot)
        if not choose:
            begin(shell_choice())
            return
        from nsview.tui.enter_form import EnterForm

        self.push_screen(EnterForm(place.label), begin)

    def step_inside_here(self, *, choose: bool = False) -> None:
        """As the keys of the page do."""
        if (page := self.page) is not None:
            page.action_step_inside(choose)

    def change_theme(self, name: str) -> None:
        """Use a theme from now on, and the next time; raises `NoSuchObject`."""
        if name not in self.available_themes:
            raise NoSuchObject(f"no theme {name!r}", hint=", ".join(sorted(self.available_themes)))
        self.theme = name
        try:
            remember_theme(self.settings, name)
        except OSError as error:
            self.say(f"not remembered: {error.strerror}", severity="warning")

    def action_help(self) -> None:
        """What the keys do here, and what the kernel does."""
        from nsview.tui.help import HelpScreen

        if self.page is not None and self.page is self.screen:
            self.push_screen(HelpScreen(self.page))

    def action_freeze(self) -> None:
        """Keep what is on the screen, or go on."""
        self.scanner.freeze(not self.scanner.frozen)
        if (page := self.page) is not None:
            page.refresh_frame()

    def action_look_now(self) -> None:
        """Do not wait for the next look."""
        self.scanner.look_now()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Ctrl-P: what the command line knows, the themes, and what this page's keys do."""
        for command in commands(readonly=self.readonly):
            if command.optional or not command.argument:
                yield SystemCommand(f":{command.name}", command.help, self._command(command.name))
        for name in sorted(self.available_themes):
            line = f"theme {name}"
            yield SystemCommand(f":{line}", "colours", self._command(line), discover=False)
        told: set[str] = set()
        for _, binding, enabled, _ in screen.active_bindings.values():
            if enabled and binding.show and binding.description not in {"", *told}:
                told.add(binding.description)
                press = partial(self.simulate_key, binding.key)
                yield SystemCommand(binding.description, self.get_key_display(binding), press)

    def action_command_palette(self) -> None:
        """Ctrl-P: one at a time, and where its list is seen (textual 8.2 fails with either)."""
        if has_room(self.size) and not any(isinstance(one, Palette) for one in self.screen_stack):
            self.push_screen(Palette())

    def _command(self, line: str) -> Callable[[], None]:
        return partial(self.run_command, line)

    def _check_keys(self, page: Screen[Any]) -> None:
        # When the keymap makes two actions want one key, it is dropped, and that is said.
        if not self._wanted_keymap:
            return
        clashes = find_clashes(
            self._wanted_keymap, bindings_of((self, page, *page.walk_children()))
        )
        if clashes:
            self._wanted_keymap = {}
            self.set_keymap({})
            words = f"{'; '.join(clashes)}: the keymap is not used"
            self.say(words, title="keys clash", severity="warning")
