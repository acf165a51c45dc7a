"""`S`: as whom, with what, and into which namespaces; the window that asks before one steps in."""

from __future__ import annotations

import os
import shlex

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from nsview.display import display
from nsview.enter.enter import Choice
from nsview.kernel.namespaces import KINDS, parse_kinds
from nsview.tui.form import Form, field, line
from nsview.tui.step_inside import shell_choice
from nsview.tui.window import is_closed

#: Name, what stands in the empty field.
_FIELDS = (
    ("command", "a shell"),
    ("user", "the process's own; or NAME or UID, with :GROUP"),
    ("namespaces", "all: " + ",".join(KINDS)),
    ("toolbox", "auto; or busybox, none, a directory of the host"),
    ("privileged", "no; or yes: root with all capabilities, unconfined"),
)
_YES_OR_NO = {"": False, "no": False, "n": False, "yes": True, "y": True}
_HELP = (
    "A process of its own joins the namespaces (setns(2)) and takes over root directory, control "
    "groups, user, capabilities, filters and limits; then it becomes the command (execve(2))."
)
_NOTE = "Enter step inside   Tab next   Esc cancel"


class EnterForm(Form[Choice | None]):
    """Gives back what was chosen, or None."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self._title_text = display(f"step into {label}")

    def compose(self) -> ComposeResult:
        """A line for each choice; empty is the usual one."""
        with Vertical(classes="window"):
            yield Static(self._title_text, markup=False, classes="title")
            for name, usual in _FIELDS:
                yield from line(name, field(name, usual=usual))
            yield Static(_HELP, markup=False, classes="note")
            yield Static(_NOTE, markup=False, classes="note", id="said")

    def on_mount(self) -> None:
        """The command first."""
        if not is_closed(self):
            self.query_one("#command", Input).focus()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.dismiss(self._choice())
        except ValueError as error:
            self.query_one("#said", Static).update(display(str(error)))

    def _choice(self) -> Choice:
        typed = {name: self.query_one(f"#{name}", Input).value.strip() for name, _ in _FIELDS}
        try:
            command = tuple(shlex.split(typed["command"]))
        except ValueError as error:
            raise ValueError(f"command: {error}") from None
        privileged = _YES_OR_NO.get(typed["privileged"].lower())
        if privileged is None:
            raise ValueError("privileged: yes or no")
        return shell_choice()._replace(
            command=command,
            user=typed["user"] or None,
            kinds=parse_kinds(typed["namespaces"] or ",".join(KINDS)),
            tools=os.path.expanduser(typed["toolbox"]) or "auto",
            privileged=privileged,
        )
