"""Two containers compared: by command, by key, and what can be asked of a difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tui.driving import Driver, drive
from tui.layer_trees import make_layers, opaque, stack_of, write

from nsview.errors import NoSuchObject
from nsview.layers.stack import Stack
from nsview.tui import explorer
from nsview.tui.comparison import ComparisonPage
from nsview.tui.tabs.layers import LayersTab
from nsview.tui.text_screen import TableScreen, TextScreen


@pytest.fixture(autouse=True)
def _stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """web-1 and db stand on the same image; nobody knows anything of other containers."""
    web = make_layers(tmp_path)
    other = tmp_path / "other"
    write(other, "etc/passwd", "root::0:0::/root:/bin/sh\nanother\n")
    write(other, "only/db", "what only db has\n")
    opaque(other, "var/cache/apt")
    stacks = {"web-1": stack_of(web), "db": stack_of([other, *web[1:]])}

    def read_stack(host: object, snapshot: object, container: Any) -> Stack:
        if container.name not in stacks:
            raise NoSuchObject("its layers are nowhere")
        return stacks[container.name]

    monkeypatch.setattr(explorer, "read_stack", read_stack)


async def type_line(driver: Driver, *keys: str) -> None:
    await driver.press(*keys, "enter")


def letters(text: str) -> list[str]:
    names = {" ": "space", "-": "minus", "/": "slash", ":": "colon"}
    return [names.get(letter, letter) for letter in text]


def test_the_command_names_both() -> None:
    async def script(driver: Driver) -> None:
        await type_line(driver, *letters(":diff web-1 db"))
        await driver.until(lambda: isinstance(driver.app.screen, ComparisonPage))
        await driver.sees("old.conf")
        rows = {row.key: row.cells[0].text for row in driver.app.screen.focused.rows}
        assert rows == {
            "/etc": "C", "/etc/app.conf": "A", "/etc/old.conf": "D", "/etc/passwd": "C",
            "/only": "D",
        }  # fmt: skip
        assert "docker/web-1 against docker/db" in driver.lines[1]

    drive(script)


def test_what_only_the_other_has_is_read_from_there() -> None:
    async def script(driver: Driver) -> None:
        await type_line(driver, *letters(":diff db web-1"))
        await driver.sees("old.conf")
        table = driver.app.screen.focused
        table.move_cursor_to("/etc/app.conf")
        assert table.cursor_row.cells[0].text == "D"
        await driver.press("v")
        await driver.until(lambda: isinstance(driver.app.screen, TextScreen))
        await driver.sees("listen")
        await driver.press("escape", "b")
        await driver.until(lambda: isinstance(driver.app.screen, TableScreen))
        assert "provides" in driver.line_with("writable")

    drive(script)


def test_a_key_compares_with_the_marked_container() -> None:
    async def script(driver: Driver) -> None:
        driver.app.screen.table.move_cursor_to("docker/db")
        await driver.press("equals_sign")
        assert any("compares with db" in one for one in driver.said)
        driver.app.screen.table.move_cursor_to("docker/web-1")
        await driver.press("D")
        await driver.sees("old.conf")
        await driver.press("equals_sign", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ComparisonPage))
        await driver.sees("only")
        await driver.press("escape")
        assert not isinstance(driver.app.screen, ComparisonPage)

    drive(script)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":diff web-1 nobody", "nobody"),
        (":diff web-1 db worker", "more than two"),
        (":diff", "which container?"),
    ],
)
def test_what_cannot_be_compared_is_said(line: str, words: str) -> None:
    async def script(driver: Driver) -> None:
        await type_line(driver, *letters(line))
        assert any(words in one for one in driver.said), driver.said

    drive(script)


def test_why_one_of_them_has_no_layers_stands_on_the_page() -> None:
    async def script(driver: Driver) -> None:
        await type_line(driver, *letters(":diff web-1 worker"))
        await driver.sees("its layers are nowhere")

    drive(script)


def test_tab_completes_the_second_name_too() -> None:
    async def script(driver: Driver) -> None:
        await driver.press(*letters(":diff web-1 d"), "tab")
        assert driver.app.screen.query_one("Prompt Input").value == "diff web-1 db"

    drive(script)


def test_the_first_thing_that_is_seen_of_a_page_has_the_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Stack | None] = []
    refresh = LayersTab.refresh_content

    def refresh_content(tab: LayersTab) -> None:
        seen.append(tab.explorer.stack)
        refresh(tab)

    monkeypatch.setattr(LayersTab, "refresh_content", refresh_content)

    async def script(driver: Driver) -> None:
        app = driver.app

        def read_at_once(job: Any, snapshot: Any, _: object) -> None:
            job(app.source.procfs, snapshot)  # and the app is busy: nobody is told

        monkeypatch.setattr(app.scanner, "submit", read_at_once)
        app.open_ref("docker/web-1", "layers")
        await driver.sees("hosts, hostname")

    drive(script)
    assert seen[0] is not None
