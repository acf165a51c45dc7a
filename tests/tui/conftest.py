"""What all tests of the UI need on a busy machine."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

#: More than any message needs that leads to another message, and so on.
_TURNS = 100


@pytest.fixture(autouse=True)
def _messages_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    # Pilot goes on when the process has been idle for 20 ms (textual 8.2), which it is too when
    # others have the processor. Every turn of the loop lets each widget deal with a message.
    for name in ("press", "click", "pause"):
        monkeypatch.setattr(Pilot, name, _patient(getattr(Pilot, name)))


def _patient(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def wait(*arguments: Any, **options: Any) -> Any:
        result = await method(*arguments, **options)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        return result

    return wait
