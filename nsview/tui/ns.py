"""`:ns [kind]`: every namespace of the host, flat, by parent or by owner."""

from __future__ import annotations

from nsview.tui.namespace_view import NamespaceView
from nsview.tui.view_page import ViewPage


def namespace_list_page(kind: str | None = None) -> ViewPage:
    """The page of all namespaces, or of those of one kind."""
    crumb = f"All {kind} namespaces" if kind else "All namespaces"
    return ViewPage(NamespaceView(kind=kind), crumb)
