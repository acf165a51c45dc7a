"""`:ps`: every process of the host, with its container and its number at each level."""

from __future__ import annotations

from nsview.tui.process_view import ProcessView
from nsview.tui.view_page import ViewPage


def process_list_page() -> ViewPage:
    """The page of all processes."""
    return ViewPage(ProcessView(), "All processes")
