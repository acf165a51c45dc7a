"""A field of a form with a few fixed values: the arrow keys and Space change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

_STEPS: Final = {"left": -1, "right": 1, "space": 1}


class ChoiceField(Widget, can_focus=True):
    """`choices`: value -> (words, what belongs to it). The first one is the usual one."""

    class Changed(Message):
        """Another value is chosen."""

    def __init__(self, choices: Mapping[str, tuple[str, str]], *, value: str, id: str) -> None:
        super().__init__(id=id)
        self._choices = choices
        self.value = value

    @property
    def explanation(self) -> str:
        """What belongs to the value."""
        return self._choices[self.value][1]

    def render(self) -> Content:
        """The value, between what the arrow keys do."""
        return Content(f"‹ {self._choices[self.value][0]} ›")

    def on_click(self) -> None:
        """A click is as good as Space."""
        self.change(1)

    def on_key(self, event: events.Key) -> None:
        """At once: a binding would be looked for when keys typed after it have moved the focus."""
        if event.key in _STEPS:
            event.stop()
            self.change(_STEPS[event.key])

    def change(self, step: int) -> None:
        """The next one; around the ends."""
        values = list(self._choices)
        self.value = values[(values.index(self.value) + step) % len(values)]
        self.refresh()
        self.post_message(self.Changed())
