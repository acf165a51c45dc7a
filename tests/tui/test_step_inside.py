"""`s` and `S` as far as they go without a container: where they lead, and what is said."""

from __future__ import annotations

import pytest
from tui.driving import Driver, check_grid, drive

from nsview.enter.session import Outcome
from nsview.tui.enter_form import EnterForm
from nsview.tui.help import help_content
from nsview.tui.home import HomePage
from nsview.tui.step_inside import how_it_ended, shell_choice


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("docker/web-1", "has ended"),
        ("host", "that is the host"),
        ("docker/old-job", "does not run"),
    ],
)
def test_what_cannot_be_entered_is_said(ref: str, words: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("a")
        driver.app.page.table.move_cursor_to(ref)
        await driver.press("s")
        await driver.until(lambda: any(words in one for one in driver.said))
        assert isinstance(driver.app.screen, HomePage)

    drive(script)


def test_there_is_nobody_below_a_remark() -> None:
    async def script(driver: Driver) -> None:
        driver.app.page.table.action_last()
        await driver.press("s", "S")
        assert driver.said == []
        assert isinstance(driver.app.screen, HomePage)

    drive(script)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
def test_the_form_looks_as_stored(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        driver.app.page.table.move_cursor_to("docker/web-1")
        await driver.press("S")
        # The window alone, whatever the page behind it looks like.
        left, top, width, height = driver.app.screen.query_one(".window").region
        strips = driver.app.screen._compositor.render_strips()[top : top + height]
        lines = [strip.crop(left, left + width).text for strip in strips]
        check_grid(f"enter-{size[0]}x{size[1]}", "\n".join(lines))

    drive(script, size=size)


def test_what_the_form_gives_back() -> None:
    async def script(driver: Driver) -> None:
        given = []
        driver.app.push_screen(EnterForm("web"), given.append)
        await driver.press(*"ls", "space", *"-l", "down", *"root", "tab", *"net,pid")
        await driver.press("up", "up", "up", "y", "down", "end", *"a", "shift+tab", *"es")
        await driver.press("enter")
        (choice,) = given
        assert (choice.command, choice.user) == (("ls", "-la"), "root")
        assert (choice.kinds, choice.tools, choice.privileged) == ({"net", "pid"}, "auto", True)
        assert choice.terminal
        driver.app.push_screen(EnterForm("web"), given.append)
        await driver.press("enter")
        assert given[1] == shell_choice()
        driver.app.push_screen(EnterForm("web"), given.append)
        await driver.press("escape")
        assert given[2] is None

    drive(script)


def test_readonly_has_no_word_of_it() -> None:
    async def script(driver: Driver) -> None:
        app = driver.app
        driver.app.page.table.move_cursor_to("docker/web-1")
        await driver.press("s", "S")
        assert isinstance(app.screen, HomePage)
        assert driver.said == []
        assert "shell" not in driver.lines[-1]
        assert ":shell" not in help_content(app.page).plain
        assert app.complete_command("she") == []
        assert not [one for one in app.get_system_commands(app.screen) if "shell" in one.title]
        app.run_command("enter docker/web-1")
        await driver.until(lambda: driver.said)
        assert "not with --readonly" in driver.said[-1]

    drive(script, readonly=True, size=(200, 50))


def test_how_it_ended() -> None:
    assert how_it_ended(Outcome(status=3)) == "exit status 3"
    assert how_it_ended(Outcome(status=137, signal=9)) == "ended by signal 9: Killed"
    assert how_it_ended(Outcome(status=129, signal=1, detached=True)) == "hung up"
    assert "ended by signal 40: " in how_it_ended(Outcome(status=168, signal=40))
