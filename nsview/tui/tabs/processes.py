"""The Processes tab: the tree of a container's processes, those of nested containers included."""

from __future__ import annotations

from typing import ClassVar

from nsview.tui.help_texts import PROCESSES
from nsview.tui.process_view import ProcessView


class ProcessesTab(ProcessView):
    """`ProcessView` of one container."""

    HELP: ClassVar[str] = PROCESSES

    def __init__(self, ref: str) -> None:
        super().__init__(ref)
