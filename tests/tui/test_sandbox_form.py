"""The window for a new sandbox as far as it goes without one, and what leads to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.widgets import Input
from tui.driving import Driver, check_grid, drive
from tui.fake import FakeSource, host

from nsview.tui import command_form, sandboxes
from nsview.tui.container import ContainerScreen
from nsview.tui.dialog import ChoiceScreen
from nsview.tui.help import help_content
from nsview.tui.home import HomePage
from nsview.tui.own_command import Done
from nsview.tui.sandbox_form import SandboxForm
from nsview.tui.signal import ConfirmScreen


class Commands:
    """In the place of `run_own`: what was to be run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Done) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._answers = list(answers)
        for module in (command_form, sandboxes):
            monkeypatch.setattr(module, "run_own", self.run)

    async def run(self, *words: str, hear: Any = None) -> Done:
        self.asked.append(words)
        return self._answers.pop(0)


REFUSED = Done(status=125, out=b"", said="the name 'web' is taken (nsview rm web)")
RUNS = Done(status=0, out=b'{"ref": "nsview/web", "partial": ["no cgroup [b]"]}', said="")
ENDED = Done(status=0, out=b"", said="")


def sandbox_host(status: str = "running") -> FakeSource:
    """The fake host with one of nsview's own on it."""
    shown = host()
    own = next(one for one in shown.containers if one.ref == "docker/web-1")
    own = own._replace(ref="nsview/web", engine="nsview", name="web", id="1" * 32, status=status)
    return FakeSource(shown._replace(containers=(*shown.containers, own)))


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
def test_looks_as_stored(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("n")
        check_grid(f"sandbox-{size[0]}x{size[1]}", driver.text)

    drive(script, size=size)


def test_what_is_refused_is_said_and_what_was_typed_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands = Commands(monkeypatch, REFUSED, RUNS)

    async def script(driver: Driver) -> None:
        await driver.press("n", "down", "down", "down", *"web", "down", "down", "down", "right")
        await driver.press("down", *"0:80", "down", *"64m")
        await driver.sees(
            "nsview run --host-root --name web --net veth --publish 0:80 --memory 64m"
        )
        await driver.press("enter")
        await driver.sees("the name 'web' is taken")
        assert driver.app.screen.query_one("#name", Input).value == "web"
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, HomePage))
        assert driver.said == ["nsview/web runs", "no cgroup [b]"]

    drive(script)
    words = ("run", "--json", "--host-root", "--name", "web", "--net", "veth", "--publish", "0:80",
             "--memory", "64m", "-d", "--", "sleep", "infinity")  # fmt: skip
    assert commands.asked == [words, words]


def test_what_is_no_command_line_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = Commands(monkeypatch)

    async def script(driver: Driver) -> None:
        await driver.press("n", "right", "enter")
        await driver.sees("a directory: which?")
        await driver.press("up", *"sh '", "enter")
        await driver.press("escape")
        assert isinstance(driver.app.screen, HomePage)

    drive(script)
    assert commands.asked == []


def test_a_twin_of_what_is_under_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = Commands(monkeypatch, RUNS)

    async def script(driver: Driver) -> None:
        table = driver.app.page.table
        for ref, line in (
            ("docker/web-1", "nsview run --like docker/web-1 -d"),
            ("nsview/web", "nsview run --like nsview/web -d -- sleep infinity"),
            ("host", "nsview run --host-root -d -- sleep infinity"),
        ):
            table.move_cursor_to(ref)
            await driver.press("T")
            assert line in driver.line_with("nsview run")
            await driver.press("escape")
        driver.app.run_command("twin web-1")
        await driver.press("enter")
        await driver.until(lambda: driver.said)

    drive(script, sandbox_host())
    assert commands.asked == [("run", "--json", "--like", "docker/web-1", "-d")]


def test_the_page_of_a_container_makes_sandboxes_too() -> None:
    async def script(driver: Driver) -> None:
        driver.app.open_ref("docker/web-1")
        await driver.until(lambda: isinstance(driver.app.screen, ContainerScreen))
        for key, line in (
            ("n", "nsview run --host-root -d -- sleep infinity"),
            ("T", "nsview run --like docker/web-1 -d"),
        ):
            await driver.press(key)
            assert line in driver.line_with("nsview run")
            await driver.press("escape")
        await driver.press("ctrl+x")
        assert driver.said == ["docker/web-1 is no sandbox of nsview's"]
        assert isinstance(driver.app.screen, ContainerScreen)

    drive(script)


@pytest.mark.parametrize(
    ("status", "keys", "words"),
    [
        ("running", ("enter",), ("stop", "1" * 32)),
        ("running", ("down", "enter"), ("rm", "--force", "1" * 32)),
        ("stopped", ("enter",), ("rm", "--force", "1" * 32)),
    ],
)
def test_ending_is_confirmed(
    monkeypatch: pytest.MonkeyPatch, status: str, keys: tuple[str, ...], words: tuple[str, ...]
) -> None:
    commands = Commands(monkeypatch, ENDED)

    async def script(driver: Driver) -> None:
        if status == "stopped":
            await driver.press("a")
        driver.app.page.table.move_cursor_to("nsview/web")
        await driver.press("ctrl+x", *keys)
        assert isinstance(driver.app.screen, ConfirmScreen)
        await driver.press("enter", "n")
        assert commands.asked == []
        await driver.press("ctrl+x", *keys, "y")
        await driver.until(lambda: driver.said)

    drive(script, sandbox_host(status))
    assert commands.asked == [words]


def test_what_others_run_is_left_to_them() -> None:
    async def script(driver: Driver) -> None:
        driver.app.page.table.move_cursor_to("docker/web-1")
        await driver.press("ctrl+x")
        assert driver.said == ["docker/web-1 is no sandbox of nsview's"]
        assert not isinstance(driver.app.screen, ChoiceScreen)

    drive(script)


def test_readonly_has_none_of_it() -> None:
    async def script(driver: Driver) -> None:
        driver.app.page.table.move_cursor_to("nsview/web")
        for keys in ("n", "T", "ctrl+x"):
            await driver.press(keys)
            assert isinstance(driver.app.screen, HomePage)
        driver.app.open_ref("nsview/web")
        await driver.until(lambda: isinstance(driver.app.screen, ContainerScreen))
        for keys in ("n", "T", "ctrl+x"):
            await driver.press(keys)
            assert isinstance(driver.app.screen, ContainerScreen)
        assert "sandbox" not in driver.lines[-1]
        await driver.press("escape")
        for line in ("new", "twin web"):
            driver.app.run_command(line)
        assert isinstance(driver.app.screen, HomePage)
        assert "sandbox" not in driver.lines[-1]
        assert "twin" not in help_content(driver.app.page).plain.partition("Command line")[0]

    drive(script, sandbox_host(), readonly=True)


def test_esc_stops_a_launch_and_then_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = Commands(monkeypatch, RUNS)

    async def forever(*words: str, hear: Any = None) -> Done:
        await asyncio.Event().wait()
        return await commands.run(*words)

    monkeypatch.setattr(command_form, "run_own", forever)

    async def script(driver: Driver) -> None:
        await driver.press("n", "enter")
        await driver.sees("launching ...")
        await driver.press("enter", "escape")
        await driver.sees("stopped.")
        assert isinstance(driver.app.screen, SandboxForm)
        await driver.press("escape")
        assert isinstance(driver.app.screen, HomePage)

    drive(script)
    assert commands.asked == []
