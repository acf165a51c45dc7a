"""What all tests of the UI need on a busy machine."""

from __future__ import annotations

from tui.patience import ui_has_time

__all__ = ["ui_has_time"]
