"""What all tests of the UI need on a busy machine."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

#: More than any message needs that leads to another message, and so on.
_TURNS = 100
#: Threads that end by themselves once the UI has ended.
_OURS = ("nsview-scanner", "nsview-tree")
_SECONDS = 60


@pytest.fixture(autouse=True)
def ui_has_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Messages arrive before a test goes on, and no thread outlives its test."""
    # Pilot goes on when the process has been idle for 20 ms (textual 8.2), which it is too when
    # others have the processor. Every turn of the loop lets each widget deal with a message.
    for name in ("press", "click", "pause"):
        monkeypatch.setattr(Pilot, name, _patient(getattr(Pilot, name)))
    yield
    for thread in threading.enumerate():
        if thread.name in _OURS:
            thread.join(_SECONDS)


def _patient(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def wait(*arguments: Any, **options: Any) -> Any:
        result = await method(*arguments, **options)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        return result

    return wait
