"""The home page: what it shows, how it is grouped, sorted and filtered, what its keys do."""

from __future__ import annotations

import json
import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tui.driving import Driver, check_grid, drive
from tui.fake import FakeSource, empty_host, host, many

from nsview.tui.container import ContainerScreen
from nsview.tui.history import LONGEST, History
from nsview.tui.home import MANY, HomePage
from nsview.tui.row_layout import Row
from nsview.tui.rows.home import GROUPINGS, HomeOptions, HomeRows
from nsview.tui.rows.home_cells import Seen
from nsview.tui.rows.home_columns import RANKS


def names(driver: Driver) -> list[str]:
    table = driver.app.page.table
    return [getattr(row.cells[1], "text", row.cells[1]) for row in table.rows if len(row.cells) > 1]


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
@pytest.mark.parametrize("keys", [(), ("t", "t"), ("i", "a", "t", "t", "t", "t"), ("ctrl+w",)])
def test_looks_as_stored(size: tuple[int, int], keys: tuple[str, ...]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press(*keys)
        words = "".join(key.removeprefix("ctrl+") for key in keys) or "plain"
        check_grid(f"home-{words}-{size[0]}x{size[1]}", driver.text)

    drive(script, size=size)


def test_says_that_it_reads_before_the_first_snapshot() -> None:
    class Slow(FakeSource):
        def snapshot(self, **_: bool) -> object:
            raise OSError(5, "Input/output error")

    async def script(driver: Driver) -> None:
        await driver.sees("reading /proc ...")

    drive(script, Slow(), wait=False)


def test_host_without_containers_says_what_to_try() -> None:
    async def script(driver: Driver) -> None:
        await driver.sees("no container runs here")
        assert "host" in names(driver)

    drive(script, FakeSource(empty_host()))


def test_grouping_by_pod_puts_the_pod_above_its_containers() -> None:
    async def script(driver: Driver) -> None:
        shown = names(driver)
        at = shown.index("shop/cart-7d9f  2")
        assert shown[at + 1 : at + 3] == ["cart", "pause"]

    drive(script)


def test_space_folds_a_group_and_the_cursor_stays_on_it() -> None:
    async def script(driver: Driver) -> None:
        table = driver.app.page.table
        key = next(row.key for row in table.rows if row.expandable)
        table.move_cursor_to(key)
        await driver.press("space")
        assert "cart" not in names(driver)
        assert table.cursor_key == key
        await driver.press("space")
        assert "cart" in names(driver)

    drive(script)


def test_tree_puts_a_nested_container_below_its_parent() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("t", "t", "t", "t")
        shown = names(driver)
        assert shown[shown.index("dind") + 1] == "inner"

    drive(script)


def test_isolated_and_stopped_ones_come_on_demand() -> None:
    async def script(driver: Driver) -> None:
        assert "polkit" not in names(driver)
        assert "old-job" not in names(driver)
        await driver.sees("3 isolated")
        await driver.press("i", "a")
        assert {"polkit", "old-job"} <= set(names(driver))

    drive(script)


@pytest.mark.parametrize(
    ("typed", "there", "gone"),
    [
        ("web", "web-1", "db"),
        ("!docker", "ns1", "web-1"),
        ("~wb1", "web-1", "db"),
        ("^(db|ns1)", "ns1", "web-1"),
        ("R [/", "a) R [/red]\x1b]0;pwned\x07", "db"),
    ],
)
def test_filter_works_while_it_is_typed(typed: str, there: str, gone: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash", *typed)
        assert there in names(driver)
        assert gone not in names(driver)
        await driver.press("enter")
        assert gone not in names(driver)
        await driver.press("escape")
        assert gone in names(driver)

    drive(script)


def test_escape_in_the_filter_shows_everything_again() -> None:
    async def script(driver: Driver) -> None:
        before = names(driver)
        await driver.press("slash", "w", "e", "escape")
        assert names(driver) == before
        assert isinstance(driver.app.screen, HomePage)

    drive(script)


def test_marked_containers_are_copied_together() -> None:
    async def script(driver: Driver) -> None:
        driver.app.page.table.move_cursor_to("docker/db")
        await driver.press("space", "space")
        assert driver.app.page.copy_text() == "docker/db docker/dind"
        assert "2 marked" in driver.lines[1]
        await driver.press("G", "space")  # a remark is nothing to mark
        assert driver.app.page.table.marks == 2
        await driver.press("escape")
        assert driver.app.page.table.marks == 0
        assert isinstance(driver.app.screen, HomePage)

    drive(script)


def test_what_a_filter_would_find_among_the_stopped_is_said() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash", *"old-job", "enter")
        assert "old-job" not in "".join(driver.lines[2:])
        assert "1 stopped" in driver.text
        await driver.press("a")
        assert "old-job" in driver.line_with("○")
        assert "press a" not in driver.text

    drive(script)


def test_sixty_columns_show_whole_columns() -> None:
    async def script(driver: Driver) -> None:
        shown = driver.lines[2].replace("▲", "").split()
        titles = {word for one in driver.app.page.table.columns for word in one.title.split()}
        assert set(shown) <= titles
        assert {"NAME", "ENGINE"} <= set(shown)

    drive(script, size=(60, 15))


def test_sorting_by_key_and_by_title_marks_the_column() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("t", "P", "greater_than_sign")
        assert names(driver)[:3] == ["host", "ns1", "db"]
        assert "PROCS▲" in driver.lines[2]
        await driver.press("I")
        assert names(driver)[0] == "host"
        assert names(driver)[-1] in ("ns1", "db")
        assert "PROCS▼" in driver.lines[2]
        await driver.press("less_than_sign")
        assert "PID▲" in driver.lines[2]
        await driver.pilot.click(offset=(4, 2))
        await driver.pilot.pause()
        assert "NAME▲" in driver.lines[2]

    drive(script)


def test_cpu_and_memory_have_letters_to_sort_by() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("t", "C")
        assert names(driver)[:3] == ["host", "inner", "web-1"]
        assert "CPU%▲" in driver.lines[2]
        await driver.press("M")
        assert names(driver)[:3] == ["host", "cache", "ns1"]

    drive(script)


def test_what_is_wrong_stands_in_front_and_in_words() -> None:
    async def script(driver: Driver) -> None:
        assert driver.line_with(" db ").startswith("M●")
        assert driver.line_with(" dind ").startswith("K●")
        assert driver.line_with(" cart ").startswith("T●")
        assert driver.line_with(" web-1 ").startswith(" ●")
        await driver.press("ctrl+w")
        await driver.sees("2 OOM-killed")
        await driver.sees("memory at 98 %")
        await driver.sees("throttled 40 %")

    drive(script, size=(250, 30))


def test_trend_moves_on_and_nothing_is_drawn_for_the_same_figures() -> None:
    source = FakeSource()

    async def script(driver: Driver) -> None:
        before = list(driver.app.page.table.rows)
        await driver.press("ctrl+r")
        await driver.until(lambda: source.looks > 1)
        assert list(driver.app.page.table.rows) == before
        busy = host().resources
        web = busy["docker/web-1"]
        cpu = replace(web.cpu, percent=100.0)
        source.current = source.current._replace(
            resources={**busy, "docker/web-1": replace(web, cpu=cpu)}
        )
        await driver.press("ctrl+r")
        await driver.until(lambda: "▄█" in driver.line_with(" web-1 "))

    drive(script, source, size=(160, 45))


def test_f6_offers_the_columns() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("f6", "down", "enter")
        assert "ENGINE▲" in driver.lines[2]

    drive(script)


def test_cursor_stays_on_the_container_when_the_order_changes() -> None:
    source = FakeSource()

    async def script(driver: Driver) -> None:
        table = driver.app.page.table
        table.move_cursor_to("docker/web-1")
        await driver.press("P")
        assert table.cursor_key == "docker/web-1"
        source.current = host(hostile=False)
        await driver.press("ctrl+r")
        await driver.until(lambda: len(driver.app.snapshot.containers) < 20)
        assert table.cursor_key == "docker/web-1"

    drive(script, source)


def test_enter_opens_the_page_of_the_container() -> None:
    async def script(driver: Driver) -> None:
        driver.app.page.table.move_cursor_to("docker/web-1")
        await driver.press("enter")
        assert isinstance(driver.app.screen, ContainerScreen)
        await driver.sees("Containers › web-1")
        await driver.press("escape")
        assert isinstance(driver.app.screen, HomePage)

    drive(script)


def test_y_shows_the_container_as_json_and_c_copies_its_ref() -> None:
    async def script(driver: Driver) -> None:
        driver.app.page.table.move_cursor_to("docker/db")
        await driver.press("y")
        await driver.sees('"ref": "docker/db"')
        await driver.press("escape", "c")
        assert driver.app.clipboard == "docker/db"

    drive(script)


def test_ctrl_s_saves_and_never_overwrites(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        for name in ("table.txt", "table.json", "table.txt"):
            await driver.press("ctrl+s")
            driver.app.screen.query_one("Prompt Input").value = str(tmp_path / name)
            await driver.press("enter")
        assert any("exists" in one for one in driver.said)

    drive(script)
    text = (tmp_path / "table.txt").read_text()
    assert "\x1b" not in text
    assert "[/red]\\x1b]0;" in text
    refs = [one["ref"] for one in json.loads((tmp_path / "table.json").read_text())["containers"]]
    assert "docker/web-1" in refs


def test_a_thousand_containers_scroll() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("t", "G")
        await driver.sees("web-999")

    drive(script, FakeSource(many(1000)))


def test_rows_of_many_containers_are_made_aside_and_only_what_changed_is_another_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    makers = set()
    made = HomeRows.rows

    def rows(self: HomeRows, seen: Seen, options: HomeOptions) -> list[Row]:
        makers.add(threading.current_thread().name)
        return made(self, seen, options)

    monkeypatch.setattr(HomeRows, "rows", rows)
    whole = many(MANY + 20)
    source = FakeSource(whole)

    async def script(driver: Driver) -> None:
        table = driver.app.page.table
        await driver.until(lambda: len(table.rows) == MANY + 21)
        before = {row.key: row for row in table.rows}
        table.move_cursor_to("docker/web-7")
        *others, last = whole.containers
        source.current = whole._replace(containers=(*others, last._replace(members=(1, 2, 3))))
        driver.app.scanner.look_now()
        await driver.until(lambda: any(row is not before[row.key] for row in table.rows))
        assert [row.key for row in table.rows if row is not before[row.key]] == [last.ref]
        await driver.press("slash", *"web-7", "enter")
        await driver.until(lambda: [row.key for row in table.rows] == ["docker/web-7"])
        assert table.cursor_key == "docker/web-7"
        await driver.press("ctrl+w")
        await driver.until(lambda: any(one.key == "image" for one in table.columns))
        await driver.until(lambda: table.rows)
        assert all(len(row.cells) in (1, len(table.columns)) for row in table.rows)

    drive(script, source, interval=3600.0)
    assert makers == {"nsview-scanner"}


@pytest.mark.parametrize("seed", range(10))
def test_rows_that_are_kept_are_those_that_would_be_made(seed: int) -> None:
    chance = random.Random(seed)
    whole, history, kept = host(), History(), HomeRows()
    containers, taken, options = list(whole.containers), whole.taken, HomeOptions()
    resources, figures = dict(whole.resources), list(whole.resources.values())
    for _ in range(60):
        at = chance.randrange(len(containers))
        match chance.randrange(20):
            case 0:
                containers[at] = containers[at]._replace(members=tuple(range(at + 1)))
            case 1:
                chance.shuffle(containers)
            case 2:
                resources[containers[at].ref] = chance.choice(figures)
            case 3:
                taken += chance.choice([0.1, 2.0, 100.0, -60.0])
            case _:
                taken += 2.0
        if tuple(containers) != whole.containers:
            whole = whole._replace(containers=tuple(containers))
        snapshot = whole._replace(resources=resources, taken=taken)
        history.add(snapshot)
        if chance.random() < 0.2:
            options = HomeOptions(
                grouping=chance.choice(GROUPINGS),
                isolated=chance.random() < 0.5,
                stopped=chance.random() < 0.5,
                wide=chance.random() < 0.3,
                sort=chance.choice(sorted(RANKS)),
            )
        seen = Seen(snapshot, history)
        assert kept.rows(seen, options) == HomeRows().rows(seen, options)


def test_trend_fills_its_cells_anew_once_a_peak_is_forgotten() -> None:
    whole, history, kept = host(), History(), HomeRows()
    ref = "docker/web-1"
    usual = whole.resources[ref]
    peak = replace(usual, memory=replace(usual.memory, limit=None, working_set=1 << 40))
    calm = replace(usual, memory=replace(usual.memory, limit=None))
    wide, shown = HomeOptions(wide=True), []
    for number in range(LONGEST + 5):
        resources = {**whole.resources, ref: calm if number else peak}
        snapshot = whole._replace(resources=resources, taken=whole.taken + 2.0 * number)
        history.add(snapshot)
        seen = Seen(snapshot, history)
        shown.append(kept.rows(seen, wide))
        assert shown[-1] == HomeRows().rows(seen, wide)
    assert shown[-1] != shown[LONGEST - 1]


def test_the_containers_of_one_user() -> None:
    async def script(driver: Driver) -> None:
        everything = names(driver)
        await driver.press("u")
        await driver.sees("everybody's")
        choices = [row.cells[0].split() for row in driver.app.screen.focused.rows]
        user = choices[-1][1]
        await driver.press("end", "enter")
        shown = [driver.app.page.snapshot.container(row.key) for row in driver.app.page.table.rows
                 if isinstance(row.key, str)]  # fmt: skip
        assert 0 < len(shown) == int(choices[-1][0])
        assert {one.user or str(one.uid) for one in shown} == {user}
        assert f"of {user}" in driver.lines[1]
        await driver.press("/", *"nobody has it", "enter")
        await driver.sees(f"nothing fits 'nobody has it' of {user}")
        await driver.press("escape")
        assert names(driver) == everything

    drive(script)
