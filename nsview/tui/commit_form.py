"""`C`: the window in which somebody says what is to be made of a container's writable layer."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from nsview.errors import NsviewError
from nsview.layers.commit import base_of
from nsview.tui.choice_field import ChoiceField
from nsview.tui.command_form import CommandForm
from nsview.tui.commit_words import (
    FORMATS,
    Wanted,
    commit_words,
    done_words,
    holds_words,
    usual_output,
)
from nsview.tui.explorer import Explorer
from nsview.tui.form import field, line
from nsview.tui.shell import Shell


class CommitForm(CommandForm):
    """Gives back what ``nsview commit --json`` said of the file that now is there, or None."""

    VERB: ClassVar[str] = "write it"
    RUNNING: ClassVar[str] = "reading layers"
    KERNEL: ClassVar[str] = (
        "The layers are read from their directories on disk, whether it runs or not; whiteouts "
        "become files named .wh. (OCI image specification). What is mounted on top, volumes and "
        "/proc, is no part of it."
    )
    FOR_US: ClassVar[tuple[str, ...]] = ("--json", "--progress")

    def __init__(self, explorer: Explorer, name: str) -> None:
        super().__init__()
        self._explorer = explorer
        self._called = name

    @property
    def heading(self) -> str:
        """Of what."""
        return f"commit {self._explorer.ref}"

    def fields(self) -> ComposeResult:
        """What, what for, and where to."""
        yield from line("as", ChoiceField(FORMATS, value="docker", id="format"))
        yield from line("holds", Static(markup=False, id="told"))
        yield from line("file", field("output", usual_output(self._called)))
        yield from line("name", field("tag", usual="the image's, as NAME:TAG; it needs none"))

    def first_field(self) -> str:
        """There is a proposal for all of them."""
        return "output"

    def explain(self) -> None:
        """What will be in it."""
        if (stack := self._explorer.stack) is not None:
            kind = self.query_one("#format", ChoiceField).value
            words = holds_words(stack, self._explorer.changes, kind)
            self.query_one("#told", Static).update(words)

    def words(self) -> list[str]:
        """``commit`` and its arguments."""
        return commit_words(self._explorer.ref, Wanted(**self.typed()))


def ask_to_commit(app: Shell, explorer: Explorer) -> None:
    """Open the form, and say what became of it."""
    if explorer.stack is None:
        app.say(explorer.problem, severity="warning")
        return
    try:
        base_of(explorer.stack)
    except NsviewError as error:
        app.complain(error)
        return
    one = app.snapshot.container(explorer.ref) if app.snapshot else None
    app.push_screen(
        CommitForm(explorer, one.name if one else explorer.ref), partial(_committed, app)
    )


def _committed(app: Shell, done: dict[str, Any] | None) -> None:
    if done is None:
        return
    app.say(done_words(done), title="committed")
    known = app.snapshot.partial if app.snapshot else ()
    for words in done["partial"]:
        if words not in known:  # every page says it already
            app.say(words, title="partial", severity="warning")
