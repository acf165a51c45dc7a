"""The Namespaces tab: every namespace that a process of the container is in."""

from __future__ import annotations

from typing import ClassVar

from nsview.tui.help_texts import NAMESPACES
from nsview.tui.namespace_view import NamespaceView


class NamespacesTab(NamespaceView):
    """`NamespaceView` of one container."""

    HELP: ClassVar[str] = NAMESPACES

    def __init__(self, ref: str) -> None:
        super().__init__(ref)
