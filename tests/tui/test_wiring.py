"""The Net tab and `:wiring`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tui import fake_details as fake
from tui import fake_wiring
from tui.page_app import PageApp, drive

from nsview.tui.container import ContainerScreen
from nsview.tui.cost import Cost
from nsview.tui.row_table import RowTable
from nsview.tui.wiring import wiring_page

SIZE = (140, 30)


def net_app(*, hostile: bool = False, answers: list[Any] | None = None) -> PageApp:
    told = answers or [fake_wiring.web_reading(hostile=hostile)]

    def answer(job: Any, _snapshot: Any) -> Any:
        return told.pop(0) if len(told) > 1 else told[0]

    page = ContainerScreen("docker/web", "net")
    return PageApp(page, fake.snapshot(hostile=hostile), answer)


def wiring_app(*, hostile: bool = False) -> PageApp:
    told = fake_wiring.wiring(hostile=hostile), Cost()
    return PageApp(wiring_page(), fake.snapshot(hostile=hostile), lambda *_: told)


def table(app: PageApp) -> RowTable:
    return app.screen.view.query_one(RowTable)  # type: ignore[attr-defined,no-any-return]  # a ViewPage


def words(app: PageApp) -> list[list[str]]:
    return [line.split() for line in app.lines]


def test_where_its_interface_leads_and_who_listens() -> None:
    app = net_app()

    async def steps(_: Any) -> None:
        assert "host: veth1a2b on docker0" in app.text
        assert "nginx 4711,4790,4791" in app.text
        assert "nat, docker-proxy" in app.text
        assert "via 172.17.0.1" in app.text
        assert "search shop.example" in app.text
        assert "10.0.0.9" not in app.text  # connections are folded at first

    drive(app, steps, SIZE)


def test_connections_unfold() -> None:
    app = net_app()

    async def steps(pilot: Any) -> None:
        assert table(app).move_cursor_to(("connections",))
        await pilot.press("space")
        assert "172.17.0.2 ↔ 10.0.0.9:5432" in app.text

    drive(app, steps, SIZE)


def test_rates_come_with_the_second_reading() -> None:
    first = fake_wiring.web_reading()
    second = fake_wiring.later(first, 4096, 1024)
    app = net_app(answers=[first, second])

    async def steps(pilot: Any) -> None:
        assert "2.0K/512" not in app.text
        app.look(fake.snapshot())
        await pilot.pause()
        assert "2.0K/512" in app.text

    drive(app, steps, SIZE)


def test_enter_leads_to_the_other_end_and_to_the_process() -> None:
    app = net_app()

    async def steps(pilot: Any) -> None:
        assert table(app).move_cursor_to(("interface", fake.WEB[1], 6))
        await pilot.press("enter")
        await pilot.pause()
        assert "host › Net" in app.lines[1]
        await pilot.press("escape")
        app.scanner.answer = None
        rows = [row.key for row in table(app).rows]
        assert table(app).move_cursor_to(next(key for key in rows if key[:2] == ("ports", "tcp")))
        await pilot.press("enter")
        await pilot.pause()
        assert "process 4711" in app.lines[1]

    drive(app, steps, SIZE)


def test_why_there_is_nothing() -> None:
    app = net_app(answers=["no process: its network namespace is gone"])

    async def steps(_: Any) -> None:
        assert "its network namespace is gone" in app.text

    drive(app, steps, SIZE)


def test_what_costs_much_is_not_read_at_each_look() -> None:
    dear = replace(fake_wiring.web_reading(), cost=Cost(waited=3600.0, ended=1e12))
    app = net_app(answers=[dear, "it was read again"])

    async def steps(pilot: Any) -> None:
        app.look(fake.snapshot())
        await pilot.pause()
        assert app.screen.view.job() is None

    drive(app, steps, SIZE)


def test_the_tree_from_the_bridge_to_the_container() -> None:
    app = wiring_app()

    async def steps(_: Any) -> None:
        depth = {row.key: len(row.prefix) // 2 for row in table(app).rows}
        host, web = fake.HOST[1], fake.WEB[1]
        assert depth["network", host] == 0
        assert depth["interface", host, 3] == 1  # docker0
        assert depth["interface", host, 7] == 2  # its port
        assert depth["network", web] == 3
        assert depth["network", fake_wiring.NOBODYS] == 3
        assert depth["network", fake.DIND[1]] == 4  # a macvlan on the end of the other cable
        assert ("network", fake.INNER[1]) not in depth  # a loopback alone: folded
        assert "netns/blue" in app.text
        assert "published 8080→80" in app.text

    drive(app, steps, SIZE)


def test_enter_on_the_tree_leads_to_the_container() -> None:
    app = wiring_app()

    async def steps(pilot: Any) -> None:
        assert table(app).move_cursor_to(("network", fake.WEB[1]))
        app.scanner.answer = None
        await pilot.press("enter")
        await pilot.pause()
        assert "web › Net" in app.lines[1]

    drive(app, steps, SIZE)


@pytest.mark.parametrize("make", [net_app, wiring_app])
def test_hostile_text_is_shown_and_never_obeyed(make: Any) -> None:
    app = make(hostile=True)

    async def steps(_: Any) -> None:
        assert app.text.replace("\n", "").isprintable()
        assert "\\x1b]0;owned" in app.text

    drive(app, steps, SIZE)
