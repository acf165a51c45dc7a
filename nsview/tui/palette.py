"""Ctrl-P: every container by name. Commands and keys come from `NsviewApp.get_system_commands`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.events import Mount, Resize
from textual.geometry import Size

from nsview.display import display
from nsview.host.model import Container
from nsview.tui.shell import Shell
from nsview.tui.window import is_closed

_COLUMNS, _LINES = 12, 6


def has_room(size: Size) -> bool:
    """Say whether anything of a palette's list is seen."""
    return size.width >= _COLUMNS and size.height >= _LINES


class Palette(CommandPalette):
    """Textual's own, but for a page that Enter, pressed twice, would close beneath it."""

    def on_mount(self, event: Mount) -> None:
        """Begin to search, unless it is closed by now, or the app: Textual 8.2 misses the list."""
        if is_closed(self) or not self.app.is_running:
            event.prevent_default()

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close it, once, and not before it is made."""
        if not self.is_mounted:
            self.call_later(self._dismiss_later)
            return AwaitComplete()
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def _dismiss_later(self) -> None:
        self.dismiss()  # not given back: nobody may wait for that in here

    def _action_command_list(self, action: str) -> None:
        # What is not laid out, yet or any more, has no pages for Textual to turn.
        if self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)

    def on_resize(self, event: Resize) -> None:
        """Close it in a terminal that has become too small."""
        if not has_room(event.size):
            self.dismiss()


class ContainerProvider(Provider):
    """Opens the page of a container."""

    @property
    def _nsview(self) -> Shell:
        return self.app  # type: ignore[return-value]  # used by no other app

    def _containers(self) -> Iterator[Container]:
        if (snapshot := self._nsview.snapshot) is not None:
            yield from snapshot.containers

    async def discover(self) -> Hits:
        """Nothing typed yet: all of them."""
        for one in self._containers():
            if one.kind != "isolated":
                yield DiscoveryHit(
                    _title(one), partial(self._nsview.open_ref, one.ref), display(one.ref)
                )

    async def search(self, query: str) -> Hits:
        """Those whose ref fits."""
        matcher = self.matcher(query)
        for one in self._containers():
            if (score := matcher.match(display(one.ref))) > 0:
                yield Hit(
                    score, _title(one), partial(self._nsview.open_ref, one.ref), display(one.ref)
                )


# Content, not str: the palette takes strings for markup.
def _title(one: Container) -> Content:
    return Content.assemble(display(one.ref), (f"  {one.status}", "dim"))
