"""What is inside a page: something that shows a snapshot, and more when it has been read."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.containers import Vertical

from nsview.host.model import Snapshot
from nsview.tui.place import Place
from nsview.tui.scanner import Job


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
        """Give the keyboard to the part that scrolls.

        At once, by `set_focus` of the screen: Widget.focus() would come after keys that were typed
        in one go.
        """
        raise NotImplementedError

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
