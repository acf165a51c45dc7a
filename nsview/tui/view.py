"""What is inside a page: something that shows a snapshot, and more when it has been read."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

from textual.containers import Vertical
from textual.dom import NoScreen
from textual.widget import Widget

from nsview.host.model import Snapshot
from nsview.tui.place import Place
from nsview.tui.scanner import Job
from nsview.tui.shell import Shell


class View(Vertical):
    """A part of a page that follows the host. Subclasses say what they show."""

    HELP: ClassVar[str] = ""
    """Two or three sentences: what the kernel does here, and where the facts come from."""
    STEPS_INSIDE: ClassVar[bool] = False
    """Its rows are places to step into."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Show the host as it is now; called on the UI's thread, must not read anything."""
        raise NotImplementedError

    def job(self) -> Job | None:
        """What is to be read for this view after each snapshot, if anything."""
        return None

    def receive(self, result: Any) -> None:
        """Show what `job` has read. Until then the previous content stays."""

    def leave(self) -> None:
        """Something else is shown from now on: stop what nobody waits for."""

    def focus_content(self) -> None:
        """Give the keyboard to the part that scrolls, by `give_keys_to`."""
        raise NotImplementedError

    @property
    def nsview(self) -> Shell:
        """The app, as what it is; there is one even while the page is being closed."""
        return self.app  # type: ignore[return-value]  # views are shown by no other app

    def give_keys_to(self, widget: Widget) -> None:
        """At once: Widget.focus() would come after keys that were typed in one go."""
        with contextlib.suppress(NoScreen):  # the page may be closed by now
            self.screen.set_focus(widget)

    @property
    def remark(self) -> str:
        """What stands at the right end of the breadcrumb line."""
        return ""

    @property
    def alarming(self) -> bool:
        """The remark is bad news."""
        return False

    def raw(self) -> object | None:
        """What `y` shows as JSON."""
        return None

    def copy_text(self) -> str | None:
        """What `c` copies."""
        return None

    def place(self) -> Place | None:
        """Where what is under the cursor is, as far as one can step in there."""
        return None
