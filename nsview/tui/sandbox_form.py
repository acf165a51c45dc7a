"""`n` and `T`: the window in which a new sandbox is filled in, with the command that makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker

from nsview.display import display
from nsview.tui.choice_field import ChoiceField
from nsview.tui.own_command import run_own
from nsview.tui.sandbox_words import (
    KEEPS,
    NETWORKS,
    ROOTS,
    USERS,
    USUAL_COMMAND,
    Wanted,
    command_line,
    run_words,
)

_NOTE: Final = "Enter launch   Tab next   ←→ change   Esc cancel"
_HELP: Final = (
    "Its namespaces are new ones (clone(2), unshare(2)), those of users and clocks when asked for; "
    "its root is an overlay of the layers, which process 1 moves into by pivot_root(2)."
)
_OWN_COMMAND: Final = "as its image says"


class SandboxForm(ModalScreen[dict[str, Any] | None]):
    """Gives back what ``nsview run --json`` said of the sandbox that now runs, or None."""

    CSS_PATH = Path(__file__).with_suffix(".tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="dialog.cancel"),
        # By priority, and at once: what is typed in one go goes to the field that it is meant for.
        Binding("enter", "launch", show=False, priority=True),
        Binding("tab,down", "move(1)", show=False, priority=True),
        Binding("shift+tab,up", "move(-1)", show=False, priority=True),
    ]

    def __init__(self, wanted: Wanted) -> None:
        super().__init__()
        self._first = wanted
        self._launching: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """A line for each part of it, the command line, what is wrong."""
        first = self._first
        with Vertical(classes="window"):
            yield Static("new sandbox", markup=False, classes="title")
            yield from _line("root", ChoiceField(ROOTS, value=first.root, id="root"))
            yield from _line("of", _field("source", first.source, ""))
            yield from _line("writes go to", _field("upper", "", "a new directory of its own"))
            yield from _line("name", _field("name", "", "the start of its id"))
            yield from _line("at its end", ChoiceField(KEEPS, value=first.ending, id="ending"))
            yield from _line("users", ChoiceField(USERS, value=first.users, id="users"))
            yield from _line("network", ChoiceField(NETWORKS, value=first.network, id="network"))
            yield from _line("ports", _field("publish", "", "8080:80 127.0.0.1:5353:53/udp"))
            yield from _line(
                "limits",
                _field("memory", "", "memory: 256m"),
                _field("cpus", "", "cpus: 0.5"),
                _field("pids", "", "pids: 512"),
            )
            yield from _line("options", _field("options", "", "--bind SRC:DST --env A=1 --ro ..."))
            yield from _line("command", _field("command", first.command, ""))
            yield Static(_HELP, markup=False, classes="note", id="kernel")
            yield Static(markup=False, id="preview")
            yield Static(_NOTE, markup=False, classes="note", id="said")

    def on_mount(self) -> None:
        """The first thing to fill in."""
        self.set_focus(self.query_one("#root" if self._first.root == "host" else "#name"))
        self._show()

    @on(Input.Changed)
    @on(ChoiceField.Changed)
    def _show(self) -> None:
        """What would be run, as it is typed."""
        root = self.query_one("#root", ChoiceField)
        self.query_one("#source", Input).placeholder = root.explanation
        own = root.value in ("archive", "twin")
        self.query_one("#command", Input).placeholder = _OWN_COMMAND if own else USUAL_COMMAND
        try:
            words = run_words(self._wanted())
        except ValueError as error:
            self.query_one("#preview", Static).update(display(str(error)))
        else:
            self.query_one("#preview", Static).update(display(command_line(words)))

    def _wanted(self) -> Wanted:
        typed = {one.id or "": one.value for one in self.query(Input)}
        chosen = {one.id or "": one.value for one in self.query(ChoiceField)}
        if not typed["command"].strip() and chosen["root"] not in ("archive", "twin"):
            typed["command"] = USUAL_COMMAND
        return Wanted(**typed, **chosen)

    def action_move(self, step: int) -> None:
        """To the next field; around the ends."""
        fields = list(self.query("Input, ChoiceField").results(Widget))
        # Not `has_focus`, which an event sets later.
        at = next((number for number, one in enumerate(fields) if one is self.focused), 0)
        self.set_focus(fields[(at + step) % len(fields)])

    def action_launch(self) -> None:
        """Run what the preview says."""
        if self._launching is not None:
            return
        try:
            words = run_words(self._wanted())
        except ValueError as error:
            self._complain(str(error))
            return
        self._say("launching ...   Esc stops it")
        self._launching = self.run_worker(self._launch(words))

    async def _launch(self, words: list[str]) -> None:
        try:
            done = await run_own("run", "--json", *words)
        except OSError as error:
            self._complain(f"nsview cannot be run: {error.strerror}")
            return
        finally:
            self._launching = None
        if done.status:
            self._complain(done.said or f"exit status {done.status}")
            return
        self.dismiss(json.loads(done.out))

    def _complain(self, words: str) -> None:
        self._say(words)
        self.query_one("#said").add_class("-wrong")

    def _say(self, words: str) -> None:
        said = self.query_one("#said", Static)
        said.remove_class("-wrong")
        said.update(display(words))

    def action_cancel(self) -> None:
        """Stop the launch, or close the window."""
        if self._launching is None:
            self.dismiss(None)
            return
        self._launching.cancel()
        self._launching = None
        self._say(f"stopped.   {_NOTE}")


def _line(name: str, *fields: Widget) -> ComposeResult:
    with Horizontal():
        yield Static(name, markup=False, classes="name")
        yield from fields


def _field(name: str, value: str, usual: str) -> Input:
    return Input(value, placeholder=usual, id=name, select_on_focus=False)
