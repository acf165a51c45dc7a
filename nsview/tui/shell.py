"""The app as its pages know it: what it has seen, and what may be asked of it."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from functools import partial

from nsview.display import display
from nsview.errors import NoSuchObject, NsviewError
from nsview.host.model import Container, Snapshot
from nsview.host.reference import find_container
from nsview.tui.history import History
from nsview.tui.place import Place
from nsview.tui.scanner import Scanner, Source
from nsview.tui.settings import Settings
from nsview.tui.status import Status
from nsview.tui.type_ahead import TypeAhead
from nsview.tui.watch import Subscribe


class Shell(TypeAhead):
    """Pages are given their app as this; what needs to know pages is in `NsviewApp`."""

    def __init__(
        self,
        source: Source,
        settings: Settings,
        *,
        readonly: bool = False,
        interval: float = 2.0,
        subscribe: Subscribe | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.readonly = readonly
        self.snapshot: Snapshot | None = None
        self.history = History()
        self.marked: str | None = None
        """The container that others are compared with, by its ref."""
        self.source = source
        self.scanner = Scanner(source, self.post_message, interval, subscribe)

    # What is said to the user.

    def say(self, words: str, *, title: str = "", severity: str = "information") -> None:
        """A notification; `words` may hold anything."""
        self.notify(display(words), title=display(title), severity=severity, markup=False)  # type: ignore[arg-type]  # a plain str is clearer here than textual's Literal

    def complain(self, error: NsviewError) -> None:
        """What went wrong, and what to try."""
        self.say(error.message + (f" ({error.hint})" if error.hint else ""), severity="warning")

    def copy(self, text: str) -> None:
        """To the terminal's clipboard (OSC 52). What is pasted later is what was seen."""
        self.copy_to_clipboard(display(text))
        self.say(text, title="copied")

    # What the user wants.

    def find_container(self, reference: str) -> Container:
        """The container that somebody means; raises `NoSuchObject`."""
        if self.snapshot is None:
            raise NoSuchObject("nothing has been read yet")
        return find_container(self.snapshot, reference)

    def ask_signal(self, targets: Sequence[tuple[int, int]], label: str) -> None:
        """Ask which signal to send to exactly these (PID, start time), ask again, send it."""
        if self.readonly:
            return
        from nsview.tui.signal import ConfirmScreen, deliver, signal_choice

        def choose(number: int | None) -> None:
            if number is not None:
                name = signal.Signals(number).name
                self.push_screen(ConfirmScreen(f"{name} to {label}?"), partial(send, number))

        def send(number: int, yes: bool | None) -> None:
            if yes:
                sent = [deliver(self.source.procfs, *one, number) for one in targets]
                problems = "; ".join(filter(None, sent))
                words = problems or f"{signal.Signals(number).name} was sent to {label}"
                self.say(words, severity="error" if problems else "information")
                self.scanner.look_now()

        self.push_screen(signal_choice(label), choose)

    def step_inside(self, place: Place, *, choose: bool = False) -> None:
        """A shell there; `choose`: ask as whom, with what and into which namespaces first."""
        raise NotImplementedError

    def step_inside_here(self, *, choose: bool = False) -> None:
        """The same where the page that is shown leads."""
        raise NotImplementedError

    def status(self) -> Status:
        """The first line of every page."""
        raise NotImplementedError

    def run_command(self, line: str) -> None:
        """What was typed after the colon."""
        raise NotImplementedError

    def complete_command(self, line: str) -> Sequence[str]:
        """What a command line may become."""
        raise NotImplementedError

    def open_container(self, reference: str, tab: str = "summary") -> None:
        """Open the page of a container; raises `NoSuchObject`."""
        raise NotImplementedError

    def open_comparison(self, reference: str, against: str) -> None:
        """Show what differs between two containers; raises `NoSuchObject`."""
        raise NotImplementedError

    def open_ref(self, ref: str, tab: str = "summary") -> None:
        """Open the page of a container that was there a moment ago."""
        try:
            self.open_container(ref, tab)
        except NsviewError as error:
            self.complain(error)

    def go_home(self) -> None:
        """Close all pages but the first."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def change_theme(self, name: str) -> None:
        """Use a theme from now on, and the next time; raises `NoSuchObject`."""
        raise NotImplementedError

    def action_help(self) -> None:
        """What the keys do here, and what the kernel does."""
        raise NotImplementedError


def container_names(snapshot: Snapshot | None) -> Sequence[str]:
    """What containers may be called; a name that cannot be shown cannot be typed either."""
    containers = snapshot.containers if snapshot is not None else ()
    words = (*(one.name for one in containers), *(one.ref for one in containers))
    return [word for word in words if word.isprintable()]
