"""Keys that come in one read of the terminal reach what the keys before them have opened."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.screen import Screen
from tui.driving import Driver, drive

from nsview.tui import type_ahead
from nsview.tui.app import NsviewApp
from nsview.tui.container import ContainerScreen
from nsview.tui.dialog import ChoiceScreen
from nsview.tui.help import HelpScreen
from nsview.tui.home import HomePage
from nsview.tui.prompt import Prompt

DOWN, CTRL_Q = "\x1b[B", "\x11"


def after(text: str) -> tuple[list[Screen[Any]], str]:
    """The screens, and what is seen, when that was typed in one go on the first page."""
    seen: list[Any] = []

    async def script(driver: Driver) -> None:
        driver.type(text)
        app = driver.app
        await driver.until(lambda: not app._ahead and app._is_at_rest())
        for _ in range(3):
            await driver.pilot.pause()
        seen.extend((driver.app.screen_stack, driver.text))

    drive(script)
    screens, lines = seen
    return screens, lines


@pytest.mark.parametrize(
    ("keys", "crumbs"),
    [
        ("\r2", "Containers › host › Processes"),
        ("\r]]", "Containers › host › Layers"),
        (f"\r2{DOWN}\r", "Containers › host › Processes › process 512"),
        (":ps\r:ns\r:wiring\r", "Containers › All processes › All namespaces › Wiring"),
        (":wi\t\r", "Containers › Wiring"),
    ],
)
def test_pages_that_keys_open_get_the_keys_that_follow(keys: str, crumbs: str) -> None:
    _, lines = after(keys)
    assert crumbs in lines


def test_letters_after_enter_are_for_the_new_page() -> None:
    screens, lines = after(":ps\r/web-1\r?")
    assert isinstance(screens[-1], HelpScreen)
    assert len(screens) == 3
    _, lines = after(":ps\r/web-1")
    assert lines.splitlines()[-1].split() == ["/web-1"]


def test_q_after_enter_closes_the_page_and_not_the_program() -> None:
    screens, lines = after("\rq:ps\r")
    assert len(screens) == 2
    assert "Containers › All processes" in lines


def test_windows_get_the_keys_that_follow() -> None:
    screens, _ = after(f"\x1b[17~{DOWN}")
    assert isinstance(screens[-1], ChoiceScreen)
    screens, _ = after(f"\x1b[17~{DOWN}\r\r")
    assert isinstance(screens[-1], ContainerScreen)
    assert len(screens) == 2


def test_nothing_is_lost_or_changes_places() -> None:
    text = "the quick brown fox, " * 20

    async def script(driver: Driver) -> None:
        driver.type(f":ps\r:{text}")
        await driver.until(lambda: len(driver.app.screen_stack) == 2)
        field = driver.app.screen.query_one(Prompt).query_one("Input")
        await driver.until(lambda: len(field.value) >= len(text))  # type: ignore[attr-defined]
        assert field.value == text  # type: ignore[attr-defined]

    drive(script)


def test_what_is_pasted_after_keys_is_for_what_they_opened() -> None:
    _, lines = after(":ps\r/\x1b[200~web-1\x1b[201~")
    assert lines.splitlines()[-1].split() == ["/web-1"]


def test_a_click_after_keys_is_on_what_they_opened() -> None:
    # The first crumb of the page that Enter opens: back to where it was.
    screens, _ = after(":ps\r\x1b[<0;3;2M\x1b[<0;3;2m")
    assert [type(one) for one in screens] == [HomePage]


def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NsviewApp, "_is_at_rest", lambda _: False)


def test_ctrl_q_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(driver: Driver) -> None:
        restless(monkeypatch)
        driver.type(f":ps\r{CTRL_Q}")
        await driver.until(lambda: not driver.app.is_running)

    assert len(drive(script)._ahead) == len(":ps\r")


def test_a_page_gets_no_keys_before_it_is_made_however_long_that_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def script(driver: Driver) -> None:
        monkeypatch.setattr(type_ahead, "_PATIENCE", -1.0)
        driver.app.run_command("ps")
        assert not driver.app._gives_up()
        await driver.until(driver.app._gives_up)

    drive(script)


@pytest.mark.parametrize("first", [(), ("ctrl+p",)])
def test_keys_that_come_when_all_is_over_do_no_harm(first: tuple[str, ...]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press(*first)
        driver.type(f"x{DOWN}\r")

    drive(script)


def test_keys_are_not_kept_from_a_ui_that_does_not_come_to_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[str] = []
    original = NsviewApp._take

    async def take(app: NsviewApp, event: events.Event) -> None:
        assert isinstance(event, events.Key)
        taken.append(event.key)
        await original(app, event)

    async def script(driver: Driver) -> None:
        restless(monkeypatch)
        monkeypatch.setattr(NsviewApp, "_take", take)
        monkeypatch.setattr(type_ahead, "_PATIENCE", 3600.0)
        driver.type("jkjk")
        for _ in range(10):
            await driver.pilot.pause()
        assert taken == []
        monkeypatch.setattr(type_ahead, "_PATIENCE", 0.01)
        await driver.until(lambda: len(taken) == 4)
        assert taken == ["j", "k", "j", "k"]

    drive(script)
