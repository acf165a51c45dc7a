"""A window in which a command of nsview's own is filled in, shown as one would type it, and run."""

from __future__ import annotations

import json
import shlex
from typing import Any, ClassVar, Final

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static
from textual.worker import Worker

from nsview.display import display
from nsview.tui.choice_field import ChoiceField
from nsview.tui.form import Form
from nsview.tui.own_command import run_own
from nsview.tui.window import is_closed

_KEYS: Final = "Tab next   ←→ change   Esc cancel"
_STOPS: Final = "   Esc stops it"


class CommandForm(Form[dict[str, Any] | None]):
    """Gives back what the command said with ``--json`` when it was done, or None.

    Subclasses give the fields, the words that they make, and the sentences around them.
    """

    VERB: ClassVar[str]
    """The command, and what Enter does."""
    RUNNING: ClassVar[str]
    KERNEL: ClassVar[str]
    """What the kernel does then."""
    FOR_US: ClassVar[tuple[str, ...]] = ("--json",)
    """Options that say more to a program than to who types the command."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "launch", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._worker: Worker[None] | None = None

    @property
    def heading(self) -> str:
        """What is made here."""
        raise NotImplementedError

    def fields(self) -> ComposeResult:
        """A line for each part of it."""
        raise NotImplementedError

    def words(self) -> list[str]:
        """The command and its arguments; raises ValueError for what cannot be some."""
        raise NotImplementedError

    def first_field(self) -> str:
        """Id of the first one to fill in."""
        raise NotImplementedError

    @property
    def _note(self) -> str:
        return f"Enter {self.VERB}   {_KEYS}"

    def compose(self) -> ComposeResult:
        """The fields, the command line, what is wrong."""
        with Vertical(classes="window"):
            yield Static(display(self.heading), markup=False, classes="title")
            yield from self.fields()
            yield Static(self.KERNEL, markup=False, classes="note", id="kernel")
            yield Static(markup=False, id="preview")
            yield Static(self._note, markup=False, classes="note", id="said")

    def on_mount(self) -> None:
        """The first thing to fill in."""
        if is_closed(self):
            return
        self.set_focus(self.query_one(f"#{self.first_field()}"))
        self._show()

    @on(Input.Changed)
    @on(ChoiceField.Changed)
    def _show(self) -> None:
        self.explain()
        try:
            words = shlex.join(["nsview", *self.words()])
        except ValueError as error:
            words = str(error)
        self.query_one("#preview", Static).update(display(words))

    def explain(self) -> None:
        """What belongs to the values as they are now."""

    def typed(self) -> dict[str, str]:
        """What stands in the fields, by their ids."""
        fields = [*self.query(Input), *self.query(ChoiceField)]
        return {one.id or "": one.value for one in fields}

    def action_launch(self) -> None:
        """Run what the preview says."""
        if self._worker is not None:
            return
        try:
            command, *words = self.words()
        except ValueError as error:
            self._complain(str(error))
            return
        self._say(f"{self.RUNNING} ...{_STOPS}")
        self._worker = self.run_worker(self._run_own(command, *self.FOR_US, *words))

    async def _run_own(self, *words: str) -> None:
        try:
            done = await run_own(*words, hear=self._hear)
        except OSError as error:
            self._complain(f"nsview cannot be run: {error.strerror}")
            return
        finally:
            self._worker = None
        if done.status:
            self._complain(done.said or f"exit status {done.status}")
            return
        self.dismiss(json.loads(done.out))

    def _hear(self, progress: str) -> None:
        room = self.query_one("#said").size.width - len(_STOPS)
        if cell_len(progress) > room:
            progress = set_cell_size(progress, room - 1) + "…"
        self._say(f"{progress}{_STOPS}")

    def _complain(self, words: str) -> None:
        self._say(words)
        self.query_one("#said").add_class("-wrong")

    def _say(self, words: str) -> None:
        said = self.query_one("#said", Static)
        said.remove_class("-wrong")
        said.update(display(words))

    def action_cancel(self) -> None:
        """Stop the command, or close the window."""
        if self._worker is None:
            self.dismiss(None)
            return
        self._worker.cancel()
        self._worker = None
        self._say(f"stopped.   {self._note}")
