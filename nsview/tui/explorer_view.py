"""A tab of a container page that shows something of its layers."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from nsview.errors import NsviewError
from nsview.host.model import Snapshot
from nsview.tui.explorer import Explorer
from nsview.tui.page import Page
from nsview.tui.prompt import Prompt
from nsview.tui.scanner import Job
from nsview.tui.shell import container_names
from nsview.tui.view import View


class ExplorerView(View):
    """Has the stack read, and hears of everything that was read of it. The rest is its panes'."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("equals_sign", "compare", "compare", key_display="=", id="layers.compare"),
        Binding("C", "commit", "commit", id="layers.commit"),
    ]

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self.explorer = explorer
        explorer.watch(self._news)

    @property
    def pane(self) -> View:
        """The part of it that has the keyboard."""
        raise NotImplementedError

    def refresh_content(self) -> None:
        """Show what is known by now."""
        raise NotImplementedError

    def read_more(self) -> None:
        """The stack is known: have read what this tab needs."""

    def show(self, snapshot: Snapshot) -> None:
        """The stack stays until the container is another one; what is due is read again."""
        self.snapshot = snapshot
        if self.explorer.stack is not None:
            self.read_more()
        self.refresh_content()

    def job(self) -> Job | None:
        """The stack, when it is not known yet."""
        if self.snapshot is None:
            return None
        return self.explorer.job(self.nsview.source, self.snapshot)

    def receive(self, result: Any) -> None:
        """The stack, or why there is none."""
        self.explorer.take(result, self.app.post_message)
        if self.display and self.explorer.stack is not None:
            self.read_more()

    def _news(self) -> None:
        if self.display and self.snapshot is not None:
            self.refresh_content()
            self._page.refresh_frame()

    @property
    def _page(self) -> Page:
        page = self.screen
        assert isinstance(page, Page)
        return page

    def action_compare(self) -> None:
        """Ask which container to compare with; the one that is marked is proposed."""
        app = self.nsview

        def enter(name: str) -> None:
            try:
                app.open_comparison(self.explorer.ref, name.strip())
            except NsviewError as error:
                app.complain(error)

        self.screen.query_one(Prompt).open(
            "compare with:",
            app.marked or "",
            enter=enter,
            complete=lambda typed: [
                name for name in container_names(app.snapshot) if name.startswith(typed)
            ],
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Readonly: no file is written; two containers are no image."""
        if action == "commit":
            return self.explorer.commits and not self.nsview.readonly
        return super().check_action(action, parameters)

    def action_commit(self) -> None:
        """Ask where to, and make an image of it."""
        from nsview.tui.commit_form import ask_to_commit

        ask_to_commit(self.nsview, self.explorer)

    def leave(self) -> None:
        """Nobody looks at totals any more."""
        self.explorer.cancel()

    def focus_content(self) -> None:
        """The pane's."""
        self.pane.focus_content()

    @property
    def remark(self) -> str:
        """The pane's."""
        return self.pane.remark

    def raw(self) -> object | None:
        """The pane's."""
        return self.pane.raw()

    def copy_text(self) -> str | None:
        """The pane's."""
        return self.pane.copy_text()
