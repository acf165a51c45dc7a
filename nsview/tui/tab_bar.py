"""The row of tabs on a container page: ``[1 Summary] ▐2 Processes▌``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

_ACTIVE = ("▐", "▌")
_BRACKETS = ("[", "]")
_SPACE = (" ", "")
_NOTHING = ("", "")
#: When it gets narrow.
_SHORT = {"Summary": "Sum", "Processes": "Procs", "Namespaces": "NS"}


class TabBar(Widget):
    """Shows which tab is active; a click chooses one. The names are our own words."""

    class Chosen(Message):
        """The user clicked a tab."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    active: reactive[int] = reactive(0)

    def __init__(self, names: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names = tuple(names)
        self._notes: dict[str, str] = {}

    def show_note(self, name: str, note: str) -> None:
        """Write something behind the name of a tab: ``[4 Changes 12]``."""
        if self._notes.get(name) != note:
            self._notes[name] = note
            self.refresh()

    def render(self) -> Content:
        """One line; the active tab stands out without colour too."""
        pieces: list[tuple[str, str]] = []
        for index, label in enumerate(self._labels()):
            active = index == self.active
            pieces += [(" ", ""), (label, "bold $text-accent" if active else "")]
        return Content.assemble(*pieces)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        start = 0
        for index, label in enumerate(self._labels()):
            end = start + 1 + len(label)
            if start < event.x < end:
                self.post_message(self.Chosen(index))
                return
            start = end

    def _labels(self) -> list[str]:
        """As long as there is room for: with brackets, without, with shorter names, with none.

        The breadcrumbs say the name of the active one in full.
        """
        labels = self._written(_BRACKETS, {})
        nameless = dict.fromkeys(self._names, "")
        narrower: tuple[tuple[tuple[str, str], Mapping[str, str]], ...] = (
            (_SPACE, {}),
            (_SPACE, _SHORT),
            (_NOTHING, _SHORT),
            (_NOTHING, nameless),
        )
        for fence, names in narrower:
            if sum(len(label) + 1 for label in labels) <= self.size.width:
                break
            labels = self._written(fence, names)
        return labels

    def _written(self, fence: tuple[str, str], shorter: Mapping[str, str]) -> list[str]:
        labels = []
        for index, name in enumerate(self._names):
            active = index == self.active
            left, right = _ACTIVE if active else fence
            word = shorter.get(name, name) or (name if active else "")
            note = self._notes.get(name, "") if word else ""
            if note and fence is not _BRACKETS:  # else it could be the number of the next tab
                note = f"({note})"
            text = " ".join(filter(None, (str(index + 1), word, note)))
            labels.append(f"{left}{text}{right}")
        return labels
