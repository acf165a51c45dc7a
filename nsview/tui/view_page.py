"""A page around one view, which gets every snapshot and what it asked for."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from nsview.tui.page import Page
from nsview.tui.place import Place
from nsview.tui.view import View
from nsview.tui.window import is_closed


class ViewPage(Page):
    """`crumb`: what the page is called on the breadcrumb line."""

    def __init__(self, view: View, crumb: str = "") -> None:
        super().__init__()
        self.view = view
        self.HELP = view.HELP  # type: ignore[misc]  # a page helps with what it shows
        self._crumb = crumb

    def compose_view(self) -> ComposeResult:
        """The view alone."""
        yield self.view

    def on_mount(self) -> None:
        """The view takes the keys."""
        super().on_mount()
        if not is_closed(self):
            self.view.focus_content()

    def crumbs(self) -> Sequence[str]:
        """One crumb."""
        return (self._crumb,)

    def remark(self) -> str:
        """What the view has to say about itself."""
        return self.view.remark

    @property
    def alarming(self) -> bool:
        """The remark is bad news."""
        return self.view.alarming

    def refresh_view(self) -> None:
        """Show the snapshot."""
        if self.snapshot is not None:
            self.view.show(self.snapshot)

    def ask(self) -> None:
        """The result goes to the view that asked, whichever is shown by then."""
        if self.snapshot is not None and (job := self.view.job()) is not None:
            self.nsview.scanner.submit(job, self.snapshot, self.view.receive)

    def raw(self) -> object | None:
        """What is under the cursor."""
        return self.view.raw()

    @property
    def steps_inside(self) -> bool:
        """Its rows are places."""
        return self.view.STEPS_INSIDE

    def place(self) -> Place | None:
        """Where what is under the cursor is."""
        return self.view.place()

    def copy_text(self) -> str | None:
        """The name of what is under the cursor."""
        return self.view.copy_text()
