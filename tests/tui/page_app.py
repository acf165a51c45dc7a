"""An app around one page: it shows the snapshots that a test gives it, and does jobs at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from textual import on
from textual.app import App
from tui.painted import finish_painting

from nsview.errors import NsviewError
from nsview.host.model import Snapshot
from nsview.kernel.procfs import Procfs
from nsview.tui.container import ContainerScreen
from nsview.tui.history import History
from nsview.tui.page import Page
from nsview.tui.scanner import JobDone
from nsview.tui.status import Status


class FakeScanner:
    """Answers every job with what `answer` says; None: it is never done."""

    def __init__(self, answer: Callable[[Callable[..., Any], Snapshot], Any] | None) -> None:
        self.answer = answer

    def submit(
        self,
        job: Callable[[Procfs, Snapshot], Any],
        snapshot: Snapshot,
        receive: Callable[[Any], object],
    ) -> None:
        if self.answer is not None:
            receive(self.answer(job, snapshot))


class PageApp(App[None]):
    """`page` on top of an empty screen."""

    readonly = False
    marked: str | None = None

    def __init__(
        self,
        page: Page,
        snapshot: Snapshot,
        answer: Callable[[Callable[..., Any], Snapshot], Any] | None = None,
    ) -> None:
        super().__init__()
        self.first = page
        self.snapshot = snapshot
        self.history = History()
        self.history.add(snapshot)
        self.scanner = FakeScanner(answer)
        self.source = None
        self.signals: list[tuple[list[tuple[int, int]], str]] = []
        self.said: list[str] = []

    def on_mount(self) -> None:
        self.push_screen(self.first)

    def status(self) -> Status:
        return Status((("nsview", "bold"),), (("● 2 s", ""),))

    @on(JobDone)
    def _give(self, event: JobDone) -> None:
        event.receive(event.result)

    def say(self, words: str, *, title: str = "", severity: str = "information") -> None:
        self.said.append(words)

    def complain(self, error: NsviewError) -> None:
        self.said.append(error.message)

    def ask_signal(self, targets: Sequence[tuple[int, int]], label: str) -> None:
        self.signals.append((list(targets), label))

    def open_ref(self, ref: str, tab: str = "summary") -> None:
        self.push_screen(ContainerScreen(ref, tab))

    def look(self, snapshot: Snapshot) -> None:
        """The host was looked at again."""
        self.snapshot = snapshot
        self.history.add(snapshot)
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Page):
                screen.show_snapshot(snapshot)
                return

    @property
    def lines(self) -> list[str]:
        """What is on the terminal."""
        finish_painting(self.screen)
        strips = self.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def drive(
    app: PageApp,
    steps: Callable[[Any], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
) -> None:
    """Run an app, and `steps` when its first page is there."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.pause()
            await steps(pilot)

    asyncio.run(run())
