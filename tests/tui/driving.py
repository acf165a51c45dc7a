"""Run the whole app on the fake host without a terminal, press keys, read the screen."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual._xterm_parser import XTermParser
from textual.pilot import Pilot
from tui.fake import FakeSource
from tui.painted import finish_painting

from nsview.tui.app import NsviewApp
from nsview.tui.settings import Settings

GRIDS = Path(__file__).parent / "grids"
_PATIENCE = 60.0

Script = Callable[["Driver"], Awaitable[None]]


class Driver:
    """The app under test, and what is on its screen."""

    def __init__(self, app: NsviewApp, pilot: Pilot[Any], said: list[str]) -> None:
        self.app = app
        self.pilot = pilot
        self.said = said
        """All notifications, those that have gone from the screen after some seconds, too."""

    async def press(self, *keys: str) -> None:
        """Press keys and wait until the app has dealt with them."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def type(self, text: str) -> None:
        """What a terminal gives in one read: nobody waits between the keys."""
        assert self.app._driver is not None
        for event in XTermParser().feed(text):
            self.app._driver.process_message(event)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("it never became true; the screen:\n" + self.text)
            await self.pilot.pause(0.01)

    async def sees(self, text: str) -> None:
        """Wait until some text is on the screen."""
        await self.until(lambda: text in self.text)

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        finish_painting(self.app.screen)
        strips = self.app.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line_with(self, text: str) -> str:
        """The first line that holds the text."""
        return next(line for line in self.lines if text in line)


def drive(
    script: Script, source: FakeSource | None = None, *, size: tuple[int, int] = (120, 30),
    wait: bool = True, **options: Any,
) -> NsviewApp:  # fmt: skip
    """Run `script` against the app; `wait` until the first snapshot is shown."""
    options.setdefault("settings", Settings())
    app = NsviewApp(source or FakeSource(), **options)
    app._host = "host-a  6.18.44 · cgroup v2"

    said: list[str] = []
    notify = app.notify

    def note(message: str, **how: Any) -> None:
        said.append(message)
        notify(message, **how)

    app.notify = note  # type: ignore[method-assign]

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot, said)
            if wait:
                await driver.until(lambda: app.snapshot is not None)
                await pilot.pause()
            await script(driver)

    asyncio.run(run())
    return app


def check_grid(name: str, text: str) -> None:
    """Compare with the stored grid; NSVIEW_WRITE_GRIDS=1 stores it."""
    path = GRIDS / f"{name}.txt"
    if os.environ.get("NSVIEW_WRITE_GRIDS"):
        path.write_text(text + "\n")
    assert text + "\n" == path.read_text()
