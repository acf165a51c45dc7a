"""`C`: what is asked before a container becomes an image, and what is said of it afterwards."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Static
from tui.driving import Driver, check_grid, drive
from tui.layer_trees import make_layers, stack_of

from nsview.errors import NoSuchObject
from nsview.layers.stack import Stack
from nsview.tui import command_form, explorer
from nsview.tui.commit_form import CommitForm
from nsview.tui.help import help_content
from nsview.tui.own_command import Done

MADE = {
    "output": "./web-1.tar", "image": {"name": "web:changed", "id": "sha256:1"},
    "layers": [{"size": 1 << 20}], "partial": ["no owner of [b]"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """web-1 has layers; of others they are not to be found."""
    web = stack_of(make_layers(tmp_path))

    def read_stack(host: object, snapshot: object, container: Any) -> Stack:
        if container.name != "web-1":
            raise NoSuchObject("its layers are nowhere")
        return web

    monkeypatch.setattr(explorer, "read_stack", read_stack)


async def open_form(driver: Driver) -> None:
    driver.app.open_ref("docker/web-1", "changes")
    await driver.sees("old.conf")
    await driver.press("C")
    assert isinstance(driver.app.screen, CommitForm)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
def test_looks_as_stored(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await open_form(driver)
        check_grid(f"commit-{size[0]}x{size[1]}", driver.text)

    drive(script, size=size)


def test_what_is_filled_in_is_what_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    forms: list[Any] = []
    said: list[str] = []

    async def run(*words: str, hear: Any) -> Done:
        asked.append(words)
        if len(asked) == 1:
            return Done(status=1, out=b"", said="./web-1.tar exists (--force replaces a file)")
        hear("layer 1 of 4  12M  usr/lib/" + "x" * 200)
        said.append(str(forms[0].query_one("#said", Static).render()))
        return Done(status=0, out=json.dumps(MADE).encode(), said="")

    monkeypatch.setattr(command_form, "run_own", run)

    async def script(driver: Driver) -> None:
        await open_form(driver)
        forms.append(driver.app.screen)
        await driver.sees("its 8 changes")
        await driver.press("enter")
        await driver.sees("web-1.tar exists")
        await driver.press("down", *"web:changed", "enter")
        await driver.until(lambda: driver.said)
        assert driver.said == [f"{Path.cwd()}/web-1.tar: web:changed, 1.0M", "no owner of [b]"]

    drive(script)
    words = ("commit", "--json", "--progress", "docker/web-1", "-o", "./web-1.tar")
    assert asked == [words, (*words, "-t", "web:changed")]
    assert said[0].startswith("layer 1 of 4  12M  usr/lib/xxx")
    assert said[0].endswith("x…   Esc stops it")


def test_the_changes_alone_have_no_name() -> None:
    async def script(driver: Driver) -> None:
        await open_form(driver)
        await driver.press("up", "left")
        await driver.sees("its 8 changes, deletions as whiteouts")
        await driver.sees("--format layer")
        await driver.press("up", *"web", "enter")
        await driver.sees("the changes alone have no name")
        assert driver.app.screen.query_one("#tag", Input).value == "web"

    drive(script)


def test_esc_stops_it_and_then_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = []

    async def forever(*words: str, hear: Any) -> Done:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(words)
        raise AssertionError

    monkeypatch.setattr(command_form, "run_own", forever)

    async def script(driver: Driver) -> None:
        await open_form(driver)
        await driver.press("enter")
        await driver.sees("reading layers ...")
        await driver.press("escape")
        await driver.sees("stopped.")
        await driver.press("escape")
        assert not isinstance(driver.app.screen, CommitForm)

    drive(script)
    assert len(stopped) == 1


def test_without_layers_it_says_why() -> None:
    async def script(driver: Driver) -> None:
        driver.app.open_ref("docker/db", "layers")
        await driver.sees("its layers are nowhere")
        await driver.press("C")
        assert driver.said == ["its layers are nowhere"]

    drive(script)


def test_readonly_and_comparisons_have_none_of_it() -> None:
    async def readonly(driver: Driver) -> None:
        driver.app.open_ref("docker/web-1", "layers")
        await driver.sees("8 changes")
        await driver.press("C")
        assert not isinstance(driver.app.screen, CommitForm)
        assert "commit" not in help_content(driver.app.page).plain

    drive(readonly, readonly=True)

    async def compared(driver: Driver) -> None:
        driver.app.open_comparison("web-1", "web-1")
        await driver.sees("do not differ")
        await driver.press("C")
        assert not isinstance(driver.app.screen, CommitForm)

    drive(compared)
