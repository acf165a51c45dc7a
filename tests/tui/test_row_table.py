"""The table: the cursor stays on a thing, only what differs is drawn, text is never obeyed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from tui.painted import painted

from nsview.tui import row_layout
from nsview.tui.row_table import Cell, Column, Row, RowTable

COLUMNS = (
    Column(key="name", title="NAME", tree=True),
    Column(key="pid", title="PID", align="right"),
    Column(key="command", title="COMMAND", flex=True),
)


class Counting(RowTable):
    """Remembers which lines were drawn."""

    drawn: list[int]

    def render_line(self, y: int) -> Strip:
        self.__dict__.setdefault("drawn", []).append(y)
        return super().render_line(y)


class TableApp(App[None]):
    """A table, and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.table = Counting(COLUMNS, placeholder="nothing yet")
        self.events: list[tuple[str, Any]] = []

    def compose(self) -> ComposeResult:
        yield self.table

    @on(RowTable.Selected)
    @on(RowTable.Toggled)
    def about_row(self, event: Any) -> None:
        self.events.append((type(event).__name__, event.key))

    @on(RowTable.SortRequested)
    def about_column(self, event: RowTable.SortRequested) -> None:
        self.events.append(("SortRequested", event.column))


def rows(numbers: Sequence[int], command: str = "run") -> list[Row]:
    return [Row(n, (f"web-{n}", Cell(str(n), "dim"), f"{command} {n}")) for n in numbers]


def drive(script: Callable[[TableApp, Pilot[None]], Awaitable[None]]) -> None:
    async def run() -> None:
        app = TableApp()
        async with app.run_test(size=(80, 24)) as pilot:
            app.table.focus()
            await pilot.pause()
            await script(app, pilot)

    asyncio.run(run())


def test_cursor_stays_on_its_key_when_rows_move() -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.set_rows(rows(range(100)))
        app.table.move_cursor_to(7)
        app.table.set_rows(rows(range(99, -1, -1)))
        await pilot.pause()
        assert app.table.cursor_key == 7
        assert any("web-7 " in app.table.render_line(y).text for y in range(1, 24))

    drive(script)


def test_cursor_goes_to_the_nearest_when_its_row_is_gone() -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.set_rows(rows(range(10)))
        app.table.move_cursor_to(5)
        app.table.set_rows(rows([0, 1, 2, 3, 7, 8]))
        assert app.table.cursor_key == 7
        app.table.set_rows(rows([0, 1, 2, 3]))
        assert app.table.cursor_key == 3
        app.table.set_rows([])
        assert app.table.cursor_key is None
        await pilot.pause()
        assert "nothing yet" in app.table.render_line(1).text

    drive(script)


def test_same_rows_draw_nothing_and_one_change_draws_one_line() -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.set_rows(rows(range(1000)))
        await pilot.pause()
        app.table.drawn.clear()
        app.table.set_rows(rows(range(1000)))
        await pilot.pause()
        assert app.table.drawn == []
        changed = rows(range(1000))
        changed[4] = Row(4, ("web-4", "4", "got 4"))
        app.table.set_rows(changed)
        await pilot.pause()
        assert app.table.drawn == [5]

    drive(script)


def test_keys_move_and_open() -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.set_rows(rows(range(100)))
        for key, at in (("j", 1), ("down", 2), ("k", 1), ("G", 99), ("up", 98), ("g", 0),
                        ("pagedown", 22), ("end", 99), ("home", 0)):  # fmt: skip
            await pilot.press(key)
            assert app.table.cursor_key == at, key
        await pilot.press("enter")
        assert app.events == [("Selected", 0)]

    drive(script)


def test_mouse_selects_opens_sorts_folds_and_scrolls() -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        folder = Row("folder", ("folder", "", ""), expandable=True)
        app.table.set_rows([folder, *rows(range(50))])
        await pilot.pause()
        await pilot.click(RowTable, offset=(5, 3))
        assert app.table.cursor_key == 1
        await pilot.click(RowTable, offset=(5, 4), times=2)
        await pilot.click(RowTable, offset=(10, 0))
        await pilot.click(RowTable, offset=(0, 1))
        assert app.events == [("Selected", 2), ("SortRequested", "pid"), ("Toggled", "folder")]

    drive(script)


def test_text_is_never_markup_nor_control() -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.set_rows(
            [Row(1, ("[/red] [@click=app.quit]x[/]", "\x1b]0;x\x07", "\x9b2J\udcff"))]
        )
        await pilot.pause()
        text = app.table.render_line(1).text
        assert "[/red] [@click=app.quit]x[/]" in text
        assert "\\x1b]0;x\\x07" in text
        assert text.isprintable()

    drive(script)


def test_other_columns_keep_the_cursor() -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.set_rows(rows(range(10)))
        app.table.move_cursor_to(6)
        app.table.set_columns(COLUMNS[:2])
        app.table.set_rows([Row(n, (f"web-{n}", str(n))) for n in range(10)])
        assert app.table.cursor_key == 6
        await pilot.pause()

    drive(script)


def test_the_scrollbar_covers_no_column_and_moves_none() -> None:
    columns = (
        Column(key="name", title="NAME", min_width=20, flex=True),
        Column(key="up", title="UP", align="right"),
    )

    def some(count: int) -> list[Row]:
        return [Row(n, ("web-" * 40, f"{n:03}")) for n in range(count)]

    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        app.table.set_columns(columns)
        app.table.set_rows(some(3))
        await pilot.pause()
        few = app.table.render_line(3).text
        app.table.set_rows(some(100))
        await painted(app.table, pilot)
        assert app.table.show_vertical_scrollbar
        many = app.table.render_line(3).text
        assert many[: app.table.scrollable_content_region.width].endswith(" 002")
        assert few == many

    drive(script)


def test_of_five_thousand_rows_only_those_in_sight_cost_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """How long it takes is measured elsewhere; here, whose texts are looked at one by one."""
    looked_at: Counter[str] = Counter()

    def count(name: str) -> None:
        function = getattr(row_layout, name)

        def counting(text: str) -> Any:
            looked_at[name] += 1
            return function(text)

        monkeypatch.setattr(row_layout, name, counting)

    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        table = app.table
        table.set_rows(rows(range(5000)))
        await painted(table, pilot)
        count("cell_len")
        count("display")
        for turn in range(3):
            table.drawn = []
            looked_at.clear()
            table.set_rows(rows(range(5000), f"turn {turn}"))
            # Widths are those of the titles, and of all texts of a column at once.
            assert looked_at == {"cell_len": len(COLUMNS)}
            await painted(table, pilot)
            assert set(table.drawn) >= set(range(1, 24))
            assert max(table.drawn) < 24
            assert looked_at["display"] <= 23 * len(COLUMNS)
            assert looked_at["cell_len"] <= 24 * len(COLUMNS)

    drive(script)


def test_a_row_more_does_not_lay_the_page_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        table = app.table
        table.set_rows(rows(range(100)))
        await painted(table, pilot)
        layouts = []
        laid_out = app.screen._refresh_layout

        def lay_out(**how: Any) -> None:
            layouts.append(how)
            laid_out(**how)

        monkeypatch.setattr(app.screen, "_refresh_layout", lay_out)
        table.set_rows(rows(range(101)))
        await painted(table, pilot)
        assert layouts == []
        assert table.virtual_size.height == 102
        await pilot.press("end")
        assert "web-100" in app.screen._compositor.render_strips()[-1].text
        table.set_rows(rows(range(5)))  # the scroll bar goes
        await painted(table, pilot)
        assert layouts
        assert not table.show_vertical_scrollbar
        assert table.scroll_offset.y == 0

    drive(script)


def test_the_bar_is_drawn_anew_only_where_it_looks_different(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = []
    render = ScrollBar.render

    def note(bar: ScrollBar) -> Any:
        drawn.append(bar.window_virtual_size)
        return render(bar)

    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        table = app.table
        table.set_rows(rows(range(3000)))
        await painted(table, pilot)
        monkeypatch.setattr(ScrollBar, "render", note)
        table.set_rows(rows(range(3001)))
        await painted(table, pilot)
        assert drawn == []
        assert table.vertical_scrollbar.window_virtual_size == 3002
        table.set_rows(rows(range(60)))
        await painted(table, pilot)
        assert drawn[-1:] == [61]

    drive(script)


def test_a_row_more_draws_only_what_it_moves() -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        table = app.table
        few = list(range(100, 120, 2))
        for before, now, drawn in (
            (list(range(100, 200)), [*range(100, 201)], set()),  # out of sight
            (few, [*few, 130], {11}),
            (few, [*few[:7], 113, *few[7:]], {8, 9, 10, 11}),
            (few, few[:-2], {9, 10}),
        ):
            table.set_rows(rows(before))
            await painted(table, pilot)
            table.drawn = []
            table.set_rows(rows(now))
            await painted(table, pilot)
            assert set(table.drawn) == drawn
            screen = app.screen._compositor.render_strips()
            seen = [any(f"web-{n} " in strip.text for strip in screen) for n in now]
            assert sum(seen) == min(len(now), 23)

    drive(script)


def test_a_screen_of_news_is_drawn_in_parts() -> None:
    async def script(app: TableApp, pilot: Pilot[None]) -> None:
        table = app.table
        table.set_rows(rows(range(100)))
        await painted(table, pilot)
        parts = []
        draw = app.screen._compositor_refresh

        def note() -> None:
            table.drawn = []
            draw()
            parts.append(len(table.drawn))

        app.screen._compositor_refresh = note  # type: ignore[method-assign]
        table.set_rows(rows(range(100), "stop"))
        await painted(table, pilot)
        assert max(parts) <= 10
        assert sum(parts) >= 23
        assert "stop 22" in app.screen._compositor.render_strips()[-1].text

    drive(script)
