"""Command line, palette, help, keys, themes, signals, and what happens when reading fails."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.command import CommandList, CommandPalette
from textual.screen import Screen
from tui.driving import Driver, drive
from tui.fake import FakeSource, host

from nsview.host.model import Snapshot
from nsview.host.reference import HOST_REF
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import parse_stat
from nsview.tui.container import ContainerScreen
from nsview.tui.dialog import ChoiceScreen
from nsview.tui.help import HelpScreen
from nsview.tui.home import HomePage
from nsview.tui.page import Page
from nsview.tui.palette import Palette
from nsview.tui.prompt import Prompt
from nsview.tui.row_table import RowTable
from nsview.tui.sandbox_form import SandboxForm
from nsview.tui.sandbox_words import Wanted
from nsview.tui.settings import Settings, read_settings
from nsview.tui.text_screen import json_screen


async def type_command(driver: Driver, line: str) -> None:
    await driver.press("colon")
    driver.app.screen.query_one("Prompt Input").value = line
    await driver.press("enter")


def test_reference_opens_its_page() -> None:
    async def script(driver: Driver) -> None:
        assert isinstance(driver.app.screen, ContainerScreen)
        await driver.sees("db")

    drive(script, reference="docker/db")


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("ct db", "Containers › db"),
        ("ps", "systemd"),
        ("ps web-1", "web-1 › Processes"),
        ("ns", "ns"),
        ("ns net", "net"),
        ("pid 4711", "4711"),
        ("4711", "4711"),
        ("xray", "X-ray"),
        ("x docker/web-1", "web-1"),
        ("help", "no object of the kernel"),
    ],
)
def test_commands_lead_somewhere(line: str, seen: str) -> None:
    async def script(driver: Driver) -> None:
        await type_command(driver, line)
        assert not isinstance(driver.app.screen, HomePage)
        await driver.sees(seen)

    drive(script)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ct nobody", "no container 'nobody'"),
        ("frobnicate", "no command"),
        ("ns color", "no kind of namespace"),
        ("pid web", "is no PID"),
        ("theme plaid", "no theme"),
        ("ct \x1b]0;x", "\\x1b]0;x"),
    ],
)
def test_commands_that_cannot_be_done_say_why(line: str, words: str) -> None:
    async def script(driver: Driver) -> None:
        await type_command(driver, line)
        assert any(words in one for one in driver.said), driver.said
        assert isinstance(driver.app.screen, HomePage)

    drive(script)


def test_tab_completes_commands_and_containers() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("colon", "c", "t", "space", "w", "tab")
        field = driver.app.screen.query_one("Prompt Input")
        assert field.value == "ct web-1"
        await driver.press("tab")
        assert field.value == "ct worker"
        await driver.press("escape")
        assert not driver.app.screen.query_one(Prompt).is_open
        assert driver.app.focused is driver.app.page.table

    drive(script)


def test_q_leaves() -> None:
    async def script(driver: Driver) -> None:
        await type_command(driver, "q")

    assert drive(script).return_code == 0


def test_help_names_the_keys_of_the_page_and_what_the_kernel_does() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("question_mark")
        assert isinstance(driver.app.screen, HelpScreen)
        await driver.sees("no object of the kernel")
        await driver.sees("/ F4")
        # In full, and what is special here before what can be done everywhere.
        await driver.sees("x-ray: the tree of namespaces down to it")
        lines = [driver.text.index(words) for words in ("open what the", "twin of it", "quit at")]
        assert lines == sorted(lines)
        await driver.press("escape")
        assert isinstance(driver.app.screen, HomePage)

    drive(script, size=(120, 60))


def test_palette_finds_containers_and_takes_no_name_for_markup() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+p")
        await driver.until(lambda: isinstance(driver.app.screen, CommandPalette))
        await driver.press(*"click")
        await driver.sees("[@click=app.quit]x[/]")
        await driver.press("escape", "escape")

    drive(script)


def test_palette_names_each_thing_to_do_once() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter")
        commands = [one.title for one in driver.app.get_system_commands(driver.app.screen)]
        assert "back" in commands
        assert len(commands) == len(set(commands))

    drive(script)


def test_palette_opens_a_container() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+p")
        await driver.press(*"docker/web-1")
        await driver.sees("docker/web-1  running")
        await driver.press("enter", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ContainerScreen))

    drive(script)


def test_freeze_keeps_what_is_there_and_refresh_looks_anyway() -> None:
    source = FakeSource()

    async def script(driver: Driver) -> None:
        await driver.press("Z")
        await driver.sees("frozen")
        looks = source.looks
        await driver.pilot.pause(0.8)
        assert source.looks == looks
        await driver.press("ctrl+r")
        await driver.until(lambda: source.looks == looks + 1)
        await driver.press("Z")
        await driver.until(lambda: source.looks > looks + 1)
        assert "frozen" not in driver.text

    drive(script, source, interval=0.5)


def test_failure_is_shown_and_gone_with_the_next_good_look() -> None:
    source = FakeSource()
    source.failure = OSError(13, "Permission denied\x1b]0;x")

    async def script(driver: Driver) -> None:
        await driver.sees("✗ PermissionError")
        assert "\x1b" not in driver.text
        source.failure = None
        await driver.press("ctrl+r")
        await driver.sees("● 2 s")
        assert "web-1" in driver.text

    drive(script, source, wait=False, size=(160, 45))


def test_a_long_trail_shows_its_end_and_its_crumbs_are_still_clicked() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "7")
        for line in ("ps", "ns", "pid 1", "xray"):
            await type_command(driver, line)
        await driver.sees("… › PID 1 › X-ray")
        await driver.pilot.click(offset=(6, 1))
        await driver.until(lambda: driver.lines[1].endswith("› PID 1"))
        await driver.pilot.click(offset=(1, 1))
        await driver.until(lambda: driver.lines[1].endswith("› All processes"))

    drive(script, size=(60, 24))


def test_a_long_name_leaves_room_for_where_one_is_in_it() -> None:
    containers = [
        one._replace(name="-".join(["web"] * 30)) if one.name == "web-1" else one
        for one in host().containers
    ]
    source = FakeSource(host()._replace(containers=tuple(containers)))

    async def script(driver: Driver) -> None:
        driver.app.open_ref("docker/web-1")
        await driver.sees("… › Summary")

    drive(script, source)


def test_raw_is_searched_and_n_goes_on() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("j", "y")
        await driver.press("slash", *"mnt|net", "enter")
        assert "1 of " in driver.text
        table = driver.app.screen.query_one(RowTable)
        first = table.cursor_key
        await driver.press("n")
        assert "2 of " in driver.text
        assert table.cursor_key != first
        await driver.press("N")
        assert table.cursor_key == first
        await driver.press("N")  # around the end
        assert table.cursor_key not in (first, None)
        await driver.press("slash", "ctrl+u", *"yq/n:", "enter")
        assert "nothing fits 'yq/n:'" in driver.text
        await driver.press("slash", "escape", "escape")
        assert isinstance(driver.app.screen, HomePage)

    drive(script)


def test_a_narrow_terminal_keeps_the_counts_and_what_is_missing() -> None:
    async def script(driver: Driver) -> None:
        assert "16 containers · 3 isolated · 53 processes" in driver.lines[0]
        assert "cgroup" not in driver.lines[0]
        assert "partial: P" in driver.lines[0]
        await driver.pilot.resize_terminal(140, 24)
        await driver.sees("6.18.44 · cgroup v2 · 16 containers")

    snapshot = host()._replace(partial=("PID 1 unreadable",))
    drive(script, FakeSource(snapshot), size=(80, 24))


def test_what_is_missing_is_said() -> None:
    source = FakeSource(host())
    source.current = source.current._replace(partial=("PID 1 unreadable",))

    async def script(driver: Driver) -> None:
        await driver.sees("partial: PID 1 unreadable")

    drive(script, source, size=(160, 45))


def test_keys_can_be_remapped() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("V")
        assert driver.app.page.options.grouping == "flat"
        assert not driver.said

    drive(script, settings=Settings(keys={"home.group": "V", "table.down": "e"}))


def test_keys_that_clash_are_not_used() -> None:
    async def script(driver: Driver) -> None:
        await driver.until(lambda: any("keymap is not used" in one for one in driver.said))
        await driver.press("t")
        assert driver.app.page.options.grouping == "flat"

    drive(script, settings=Settings(keys={"home.group": "y"}))


def test_theme_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "nsview" / "config.toml"
    path.parent.mkdir()
    path.write_text('[keys]\n"app.freeze" = "f7"\n')

    async def script(driver: Driver) -> None:
        await type_command(driver, "theme ansi-dark")
        assert driver.app.theme == "ansi-dark"
        await driver.sees("web-1")

    drive(script, settings=read_settings(path))
    settings = read_settings(path)
    assert (settings.theme, settings.keys) == ("ansi-dark", {"app.freeze": "f7"})


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of our own."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def on_host(sleeper: subprocess.Popen[bytes], start: int) -> FakeSource:
    source = FakeSource(host(hostile=False))
    source.procfs = Procfs()
    containers = [
        one._replace(pid=sleeper.pid, start_time=start) if one.name == "web-1" else one
        for one in source.current.containers
    ]
    source.current = source.current._replace(containers=tuple(containers))
    return source


def start_time(pid: int) -> int:
    return parse_stat(Procfs().read(pid, "stat")).start_time


def test_signal_is_sent_only_after_yes(sleeper: subprocess.Popen[bytes]) -> None:
    async def script(driver: Driver) -> None:
        driver.app.page.table.move_cursor_to("docker/web-1")
        await driver.press("f9", "enter", "enter")
        await driver.sees("SIGTERM to web-1")
        await driver.press("n")
        assert sleeper.poll() is None
        await driver.press("f9", "enter", "y")
        assert sleeper.wait(10) == -signal.SIGTERM
        assert any("was sent" in one for one in driver.said)

    drive(script, on_host(sleeper, start_time(sleeper.pid)))


def test_the_mouse_answers_closes_windows_and_goes_back(
    sleeper: subprocess.Popen[bytes],
) -> None:
    async def click_on(driver: Driver, text: str) -> None:
        line = driver.line_with(text)
        await driver.pilot.click(
            offset=(cell_len(line[: line.index(text)]), driver.lines.index(line))
        )
        await driver.pilot.pause()

    async def script(driver: Driver) -> None:
        driver.app.page.table.move_cursor_to("docker/web-1")
        await driver.press("f9", "enter")
        await driver.sees("SIGTERM to web-1")
        await click_on(driver, "n no")
        await driver.until(lambda: isinstance(driver.app.screen, HomePage))
        for key in ("f9", "question_mark", "y", "f6"):
            await driver.press(key)
            assert not isinstance(driver.app.screen, HomePage)
            await driver.pilot.click(offset=(0, 0))
            await driver.until(lambda: isinstance(driver.app.screen, HomePage))
        await driver.press("enter", "2")
        await type_command(driver, "ns")
        await driver.sees("All namespaces")
        await click_on(driver, "web-1 › Processes")
        await driver.until(lambda: isinstance(driver.app.screen, ContainerScreen))
        await click_on(driver, "Containers › web-1")
        await driver.until(lambda: isinstance(driver.app.screen, HomePage))
        assert sleeper.poll() is None

    drive(script, on_host(sleeper, start_time(sleeper.pid)))


def test_signal_never_goes_to_another_process_with_the_same_pid(
    sleeper: subprocess.Popen[bytes],
) -> None:
    async def script(driver: Driver) -> None:
        driver.app.page.table.move_cursor_to("docker/web-1")
        await driver.press("f9", "enter", "y")
        assert any("is gone" in one for one in driver.said)
        assert sleeper.poll() is None

    drive(script, on_host(sleeper, start_time(sleeper.pid) - 1))


def test_readonly_offers_no_signal() -> None:
    async def script(driver: Driver) -> None:
        assert "signal" not in driver.lines[-1]
        driver.app.page.table.move_cursor_to("docker/web-1")
        await driver.press("f9")
        assert isinstance(driver.app.screen, HomePage)
        await driver.sees("readonly")

    drive(script, readonly=True, size=(200, 50))


@pytest.mark.skipif(os.geteuid() != 0, reason="about what root does not take from others")
def test_root_loads_no_driver_that_the_environment_names() -> None:
    code = "import nsview.tui.app, textual.constants as c; print(c.DRIVER, c.LOG_FILE)"
    environment = {**os.environ, "TEXTUAL_DRIVER": "antigravity:Driver", "TEXTUAL_LOG": "/tmp/x"}
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True
    ).stdout
    assert printed.split() == ["None", "None"]


def test_rates_do_not_wait_for_the_second_look_in_the_rhythm() -> None:
    class Rated(FakeSource):
        def snapshot(self, **_: bool) -> Snapshot:
            self.looks += 1
            host = self.current.resources[HOST_REF]
            cpu = replace(host.cpu, percent=None if self.looks == 1 else 12.5)
            resources = {**self.current.resources, HOST_REF: replace(host, cpu=cpu)}
            return self.current._replace(resources=resources)

    async def script(driver: Driver) -> None:
        await driver.until(lambda: "12.5" in driver.line_with("host  "))

    source = Rated(host())
    drive(script, source, interval=3600.0)
    assert source.looks == 2


def test_help_says_in_full_what_cannot_be_seen() -> None:
    words = "PID 1 unreadable: the host's namespaces are known by their fixed numbers"

    async def script(driver: Driver) -> None:
        assert words not in driver.text
        await driver.press("?")
        await driver.sees(words)

    drive(script, FakeSource(host()._replace(partial=(words,))), size=(100, 30))


def test_windows_and_pages_are_left_once_however_often_it_is_asked() -> None:
    # Two keys in one read of the terminal: the second is for what the first has closed.
    async def script(driver: Driver) -> None:
        await driver.press("f6")
        window = driver.app.screen
        assert isinstance(window, ChoiceScreen)
        window.action_cancel()
        window.action_cancel()
        await driver.pilot.pause()
        assert len(driver.app.screen_stack) == 1
        await driver.press("enter")
        page = driver.app.screen
        assert isinstance(page, ContainerScreen)
        page.action_back()
        page.action_back()
        await driver.pilot.pause()
        assert len(driver.app.screen_stack) == 1

    drive(script)


def test_a_window_that_is_answered_beneath_another_leaves_the_page() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("f6")
        window = driver.app.screen
        assert isinstance(window, ChoiceScreen)
        await driver.press("ctrl+p")
        assert driver.app.screen is not window
        window.action_cancel()
        await driver.pilot.pause()
        assert len(driver.app.screen_stack) == 1

    drive(script)


@pytest.mark.parametrize("size", [(1, 1), (80, 4), (4, 24), (20, 8)])
def test_the_palette_in_a_terminal_that_is_too_small_for_it(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        for key in ("ctrl+p", "pagedown", "pagedown", "pageup", "colon", "ctrl+p"):
            await driver.press(key)

    drive(script, size=size)


def test_the_palette_in_a_terminal_that_becomes_too_small_for_it() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+p")
        await driver.pilot.resize_terminal(80, 3)
        await driver.press("pagedown", "pagedown", "pageup")
        assert isinstance(driver.app.screen, HomePage)

    drive(script)


def test_the_palette_turns_no_pages_of_what_is_not_seen() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+p", "down")
        driver.app.screen.query_one(CommandList).styles.height = 0
        await driver.press("pagedown", "pageup")
        assert isinstance(driver.app.screen, CommandPalette)

    drive(script)


@pytest.mark.parametrize("turns", [0, 1, 5])
def test_the_palette_closes_though_it_is_not_made_yet(turns: int) -> None:
    async def script(driver: Driver) -> None:
        driver.app.action_command_palette()
        for _ in range(turns):
            await asyncio.sleep(0)
        driver.app.screen.dismiss()
        await driver.until(lambda: isinstance(driver.app.screen, HomePage))
        await driver.pilot.pause()

    drive(script)


def test_the_palette_closes_once() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "ctrl+p")
        palette = driver.app.screen
        assert isinstance(palette, CommandPalette)
        palette.dismiss()
        palette.dismiss()
        await driver.pilot.pause()
        assert isinstance(driver.app.screen, ContainerScreen)

    drive(script)


@pytest.mark.parametrize("pages", [0, 1])
@pytest.mark.parametrize("turns", [0, 3, 18])
def test_the_palette_is_left_before_it_is_made(turns: int, pages: int) -> None:
    async def script(driver: Driver) -> None:
        for _ in range(pages):
            driver.app.run_command("ps")
            await driver.pilot.pause()
        driver.app.push_screen(Palette())
        for _ in range(turns):
            await asyncio.sleep(0)
        driver.app.pop_screen()
        await driver.pilot.pause()
        assert len(driver.app.screen_stack) == pages + 1

    drive(script)


def test_the_app_ends_while_the_palette_is_made() -> None:
    async def script(driver: Driver) -> None:
        driver.app.push_screen(Palette())

    drive(script)


def test_the_palette_opens_once_though_a_page_lies_on_it() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+p")
        driver.app.run_command("ps")
        await driver.pilot.pause()
        await driver.press("ctrl+p")
        await driver.press("ctrl+p")
        assert isinstance(driver.app.screen, Page)

    drive(script)


@pytest.mark.parametrize(
    "make",
    [
        *(partial(ContainerScreen, "docker/web-1", tab) for tab in ("summary", "layers", "limits")),
        partial(ChoiceScreen, "title", [(1, "one")]),
        partial(json_screen, "title", {}),
        partial(SandboxForm, Wanted()),
    ],
)
@pytest.mark.parametrize("turns", range(3))
def test_what_is_left_before_it_is_made_does_no_harm(
    make: Callable[[], Screen[Any]], turns: int
) -> None:
    # Enter and Esc in one read of the terminal.
    async def script(driver: Driver) -> None:
        driver.app.push_screen(make())
        for _ in range(turns):
            await asyncio.sleep(0)
        driver.app.pop_screen()
        await driver.pilot.pause()
        assert driver.app.screen is driver.app.screen_stack[0]

    drive(script)
