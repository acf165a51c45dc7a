"""Keys that come faster than what they open: each is for what the one before it brought about.

Textual 8.2 gives a key to whatever has the focus when it is read, and what Enter opens is there
some messages later. So a key waits until no message is under way; a single key finds none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.widget import Widget

#: Seconds after which keys are no longer kept from a UI that does not come to rest.
_PATIENCE = 1.0
#: What is pressed and held; whoever takes one takes the next in the same way.
_STEPS = frozenset({"up", "down", "pageup", "pagedown"})
_INPUT = (events.InputEvent, events.Paste)


class TypeAhead(App[None]):
    """An app that takes keys, and what is pasted or clicked between them, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead: deque[events.Event] = deque()
        self._waits_since = 0.0
        self._run: object = None

    async def on_event(self, event: events.Event) -> None:
        """Take what is typed in its turn, everything else now."""
        if isinstance(event, _INPUT) and self._is_ending():
            return
        if not isinstance(event, _INPUT) or event.is_forwarded:
            await super().on_event(event)
        elif self._has_to_wait(event):
            self._put_off(event)
        else:
            await self._take(event)

    def _is_ending(self) -> bool:
        # Its screens go one by one then, and Textual 8.2 fails for want of one to give a key to.
        return self._exit or not self.is_running

    def _has_to_wait(self, event: events.Event) -> bool:
        if isinstance(event, events.MouseEvent):  # which moves all the time, and opens nothing
            return bool(self._ahead)
        return (bool(self._ahead) or not self._may_go(event)) and not self._ends_all(event)

    def _ends_all(self, event: events.Event) -> bool:
        _, bindings = self.screen._binding_chain[-1]
        return isinstance(event, events.Key) and any(
            one.action == "quit" for one in bindings.key_to_bindings.get(event.key, ())
        )

    def _may_go(self, event: events.Event) -> bool:
        run = self._run_of(event)
        return (run is not None and run == self._run) or self._is_at_rest()

    def _run_of(self, event: events.Event) -> object:
        """What it has in common with others that need not wait for each other, if anything."""
        if not isinstance(event, events.Key):
            return None
        field = self.focused
        if field is not None and field.check_consume_key(event.key, event.character):
            return field
        return event.key if event.key in _STEPS else None

    def _is_at_rest(self) -> bool:
        return not _has_messages(self) and all(
            one.is_mounted and not _has_messages(one)
            for one in self.screen.walk_children(Widget, with_self=True)
        )

    async def _take(self, event: events.Event) -> None:
        self._run = self._run_of(event)
        self._waits_since = monotonic()
        await super().on_event(event)

    def _put_off(self, event: events.Event) -> None:
        if not self._ahead:
            self._waits_since = monotonic()
            self.call_later(self._take_ahead)
        self._ahead.append(event)

    async def _take_ahead(self) -> None:
        await asyncio.sleep(0)  # every widget deals with a message
        if self._is_ending():
            return
        gives_up = self._gives_up()
        while self._ahead and (gives_up or self._may_go(self._ahead[0])):
            await self._take(self._ahead.popleft())
        if self._ahead:
            self.call_later(self._take_ahead)

    def _gives_up(self) -> bool:
        # A page that is not made yet takes no keys, however long that lasts on a busy machine.
        return self.screen.is_mounted and monotonic() > self._waits_since + _PATIENCE


def _has_messages(pump: MessagePump) -> bool:
    return pump.message_queue_size > 0 or pump._pending_message is not None
