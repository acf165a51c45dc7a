"""Tables paint their news in parts, some lines a frame; who compares a screen wants it whole."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from nsview.tui.row_table import RowTable


def finish_painting(screen: Screen[Any]) -> None:
    """Mark now what the coming frames would; nothing is awaited."""
    for table in screen.query(RowTable):
        while table._stale:
            table._refresh_part()


async def painted(table: RowTable, pilot: Pilot[Any]) -> None:
    """Wait until all news is on the screen, as it comes there by itself."""
    await pilot.pause()
    for _ in range(100):
        if not (table._stale or table._stale_bar):
            break
        await pilot.pause()
    assert not table._stale
    await pilot.pause()
