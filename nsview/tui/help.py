"""F1: what the kernel does here, where the facts come from, what the keys do."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from nsview.display import display
from nsview.tui.commands import Argument, commands
from nsview.tui.frame import commonness
from nsview.tui.key_words import KEY_WORDS
from nsview.tui.page import Page
from nsview.tui.window import Window, is_closed

_KEY_WIDTH = 20
_ARGUMENTS: dict[Argument, str] = {
    "ref": "CONTAINER", "refs": "CONTAINER [OTHER]", "kind": "KIND", "number": "N",
    "theme": "NAME", "": "",
}  # fmt: skip
_TEXTUALS_OWN = frozenset({
    "app.focus_next", "app.focus_previous", "screen.copy_text", "page_left", "page_right",
})  # fmt: skip
#: Whoever looks for help has found these.
_MOVING = frozenset({
    "table.up", "table.down", "table.first", "table.last", "table.left", "table.right",
    "table.page-up", "table.page-down",
})  # fmt: skip
_FILTER = (
    ("/web", "contains web (a regular expression)"),
    ("/!web", "does not contain it"),
    ("/~wb1", "these letters in this order"),
)


class HelpScreen(Window[None]):
    """Help for the page that it is opened on."""

    CSS_PATH: ClassVar[list[Path]] = [  # type: ignore[assignment]  # one path or several
        Window.CSS_PATH,
        Path(__file__).with_suffix(".tcss"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace,f1,question_mark", "close", "close", id="help.close"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._text = help_content(page)

    def compose(self) -> ComposeResult:
        """One long page."""
        with VerticalScroll(classes="window"):
            yield Static(self._text, markup=False)

    def on_mount(self) -> None:
        """Arrows scroll."""
        if not is_closed(self):
            self.query_one(VerticalScroll).focus()

    def action_scroll(self, lines: int) -> None:
        """By lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Back to the page."""
        self.dismiss(None)


def help_content(page: Page) -> Content:
    """Sentences, keys, commands."""
    pieces: list[Content | str] = []
    if page.HELP:
        pieces += [page.HELP.strip(), "\n\n"]
    snapshot = page.nsview.snapshot
    if snapshot is not None and snapshot.partial:
        pieces += [
            _title("What cannot be seen"),
            *(f"  {display(one)}\n" for one in snapshot.partial),
        ]
        pieces += ["  `nsview doctor` tells more.\n\n"]
    pieces += [_title("Keys"), *(_line(*pair) for pair in keys(page)), "\n"]
    pieces += [_title("Command line")]
    for one in commands(readonly=page.nsview.readonly):
        argument = _ARGUMENTS[one.argument]
        pieces.append(
            _line(f":{one.name} {f'[{argument}]' if one.optional else argument}", one.help)
        )
    pieces += ["\n", _title("Filter"), *(_line(*pair) for pair in _FILTER)]
    return Content.assemble(*pieces)


def keys(page: Page) -> list[tuple[str, str]]:
    """Which keys do what on a page, one line an action, those that only move at the end."""
    found: dict[str, list[str]] = {}
    bindings = [binding for _, binding, enabled, _ in page.active_bindings.values() if enabled]
    for binding in sorted(bindings, key=_rank):
        if binding.description and binding.action not in _TEXTUALS_OWN:
            words = KEY_WORDS.get(binding.id or "", binding.description)
            shown = page.app.get_key_display(binding)
            if shown not in found.setdefault(words, []):
                found[words].append(shown)
    return [(" ".join(keys), what) for what, keys in found.items()]


def _rank(binding: Binding) -> tuple[bool, int]:
    return binding.id in _MOVING, commonness(binding)


def _title(text: str) -> Content:
    return Content.assemble((text, "bold $text-accent"), "\n")


def _line(left: str, right: str) -> Content:
    return Content.assemble((f"  {left:<{_KEY_WIDTH}}", "bold"), (f" {right}\n", "$foreground 80%"))
