"""What a page does with its container, or those that are chosen: signals, sandboxes, twins."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from nsview.host.model import Container
from nsview.tui.page import Page

_CHANGING: Final = ("signal", "new_sandbox", "twin", "end_sandbox")


class ContainerActions(Page):
    """A page which is about containers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9,ctrl+k", "signal", "signal", id="home.signal"),
        Binding("n", "new_sandbox", "new sandbox", id="sandbox.new"),
        Binding("T", "twin", "a twin of it, on the same layers", show=False, id="sandbox.twin"),
        Binding("ctrl+x", "end_sandbox", "stop or remove a sandbox", show=False,
                id="sandbox.end"),
    ]  # fmt: skip

    @property
    def container(self) -> Container | None:
        """The one that it is about, if that is there."""
        raise NotImplementedError

    @property
    def chosen(self) -> list[Container]:
        """Those that a signal is for."""
        return [] if self.container is None else [self.container]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Readonly: no signals, no sandboxes."""
        if action in _CHANGING and self.nsview.readonly:
            return False
        return super().check_action(action, parameters)

    def action_signal(self) -> None:
        """Send a signal to the first process of each container that is chosen."""
        running = [one for one in self.chosen if one.kind != "host" and one.pid is not None]
        targets = [(one.pid, one.start_time) for one in running if one.pid and one.start_time]
        if targets:
            one = running[0]
            label = (
                f"{one.name} (process {one.pid})"
                if len(targets) == 1
                else (f"the first processes of {len(targets)} containers")
            )
            self.nsview.ask_signal(targets, label)

    def action_new_sandbox(self) -> None:
        """Fill in what it is to be."""
        from nsview.tui.sandboxes import ask_for_sandbox

        ask_for_sandbox(self.nsview)

    def action_twin(self) -> None:
        """The same, on the layers of this container."""
        from nsview.tui.sandboxes import ask_for_twin

        if (one := self.container) is not None:
            ask_for_twin(self.nsview, one)

    def action_end_sandbox(self) -> None:
        """Stop or remove it, if it is one of nsview's own."""
        from nsview.tui.sandboxes import ask_to_end

        if (one := self.container) is not None:
            ask_to_end(self.nsview, one)
