"""`n` and `T`: the window in which a new sandbox is filled in, with the command that makes it."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.widgets import Input

from nsview.tui.choice_field import ChoiceField
from nsview.tui.command_form import CommandForm
from nsview.tui.form import field, line
from nsview.tui.sandbox_words import (
    KEEPS,
    NETWORKS,
    ROOTS,
    USERS,
    USUAL_COMMAND,
    Wanted,
    run_words,
)

_OWN_COMMAND: Final = "as its image says"
#: Roots that bring a command of their own.
_WITH_COMMAND: Final = ("archive", "twin")


class SandboxForm(CommandForm):
    """Gives back what ``nsview run --json`` said of the sandbox that now runs, or None."""

    VERB: ClassVar[str] = "launch"
    RUNNING: ClassVar[str] = "launching"
    KERNEL: ClassVar[str] = (
        "Its namespaces are new ones (clone(2), unshare(2)), those of users and clocks when asked "
        "for; its root is an overlay of the layers, which process 1 moves into by pivot_root(2)."
    )

    def __init__(self, wanted: Wanted) -> None:
        super().__init__()
        self._first = wanted

    heading = "new sandbox"

    def fields(self) -> ComposeResult:
        """A line for each part of it."""
        first = self._first
        yield from line("root", ChoiceField(ROOTS, value=first.root, id="root"))
        yield from line("of", field("source", first.source))
        yield from line("writes go to", field("upper", usual="a new directory of its own"))
        yield from line("name", field("name", usual="the start of its id"))
        yield from line("at its end", ChoiceField(KEEPS, value=first.ending, id="ending"))
        yield from line("users", ChoiceField(USERS, value=first.users, id="users"))
        yield from line("network", ChoiceField(NETWORKS, value=first.network, id="network"))
        yield from line("ports", field("publish", usual="8080:80 127.0.0.1:5353:53/udp"))
        yield from line(
            "limits",
            field("memory", usual="memory: 256m"),
            field("cpus", usual="cpus: 0.5"),
            field("pids", usual="pids: 512"),
        )
        yield from line("options", field("options", usual="--bind SRC:DST --env A=1 --ro ..."))
        yield from line("command", field("command", first.command))

    def first_field(self) -> str:
        """A twin's root is known."""
        return "root" if self._first.root == "host" else "name"

    def explain(self) -> None:
        """What the root is made of, and what runs if nothing is said."""
        root = self.query_one("#root", ChoiceField)
        self.query_one("#source", Input).placeholder = root.explanation
        usual = _OWN_COMMAND if root.value in _WITH_COMMAND else USUAL_COMMAND
        self.query_one("#command", Input).placeholder = usual

    def words(self) -> list[str]:
        """``run`` and its arguments."""
        typed = self.typed()
        if not typed["command"].strip() and typed["root"] not in _WITH_COMMAND:
            typed["command"] = USUAL_COMMAND
        return ["run", *run_words(Wanted(**typed))]
