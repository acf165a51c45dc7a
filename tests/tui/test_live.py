"""The Limits tab and the pulse: what they show of a host whose figures are made up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from tui.driving import Driver, check_grid, drive
from tui.fake import FakeSource, empty_host, host

from nsview.host.model import Snapshot
from nsview.host.process_users import ProcessUsers
from nsview.tui.container import ContainerScreen
from nsview.tui.home import HomePage
from nsview.tui.page import Page
from nsview.tui.process_view import ProcessView
from nsview.tui.pulse import PulseView, pulse_page
from nsview.tui.row_layout import Row
from nsview.tui.table_view import LARGE
from nsview.tui.view_page import ViewPage

SIZES = [(80, 24), (160, 45)]


class Moving(FakeSource):
    """At every look the figures are other ones, the same in every run."""

    def snapshot(self, **_: bool) -> Snapshot:
        """Of one look more."""
        self.looks += 1
        factor = 1 + self.looks % 4 / 4
        moved = {}
        for ref, one in self.current.resources.items():
            assert one.cpu is not None
            assert one.cpu.percent is not None
            cpu = replace(one.cpu, percent=one.cpu.percent / factor)
            io = replace(one.io, write=3e5 * factor) if one.io else None
            moved[ref] = replace(one, cpu=cpu, io=io)
        return self.current._replace(resources=moved)


async def look(driver: Driver, source: FakeSource, times: int) -> None:
    for _ in range(times):
        seen = driver.app.snapshot
        await driver.press("ctrl+r")
        await driver.until(lambda seen=seen: driver.app.snapshot is not seen)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", ["limits web-1", "limits cart", "pulse"])
def test_looks_as_stored(page: str, size: tuple[int, int]) -> None:
    source = Moving(host(hostile=False))

    async def script(driver: Driver) -> None:
        await driver.press("Z")  # from now on only looks that are asked for
        await look(driver, source, 8 - source.looks)
        driver.app.run_command(page)
        await driver.pilot.pause()
        await driver.pilot.pause()
        check_grid(f"{page.replace(' ', '-')}-{size[0]}x{size[1]}", driver.text)

    drive(script, source, size=size, interval=3600.0)


@pytest.mark.parametrize("make", [lambda: ContainerScreen("docker/web-1", "limits"), pulse_page])
def test_a_snapshot_may_come_before_there_is_a_page(make: Callable[[], Page]) -> None:
    async def script(driver: Driver) -> None:
        page = make()
        driver.app.push_screen(page)
        page.show_snapshot(driver.app.snapshot)  # nothing is on it yet
        await driver.until(lambda: page.snapshot is not None)
        await driver.sees("CPU  ")

    drive(script)


def test_limits_say_what_is_wrong_first() -> None:
    async def script(driver: Driver) -> None:
        driver.app.run_command("limits dind")
        await driver.sees("2 OOM-killed")
        await driver.sees("2 processes killed for it")
        driver.app.run_command("limits bwrap-7003")
        await driver.sees("a sum over its processes")

    drive(script)


def test_limits_of_what_does_not_run() -> None:
    async def script(driver: Driver) -> None:
        driver.app.run_command("limits old-job")
        await driver.sees("it does not run")

    drive(script)


def test_limits_stay_when_the_container_is_gone() -> None:
    source = FakeSource()

    async def script(driver: Driver) -> None:
        driver.app.run_command("limits web-1")
        await driver.sees("256M")
        source.current = empty_host()
        await driver.press("ctrl+r")
        await driver.sees("web-1 is gone")
        await driver.sees("256M")

    drive(script, source)


def names(driver: Driver) -> list[str]:
    table = driver.app.screen.query_one(PulseView).consumers
    return [str(row.cells[0]) for row in table.rows]


def test_pulse_sorts_and_opens_who_uses_most() -> None:
    async def script(driver: Driver) -> None:
        driver.app.run_command("pulse")
        await driver.sees("who uses most")
        assert names(driver)[:2] == ["inner", "web-1"]
        await driver.press("M")
        assert names(driver)[:2] == ["cache", "ns1"]
        await driver.press("home", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ContainerScreen))
        await driver.sees("› cache › Limits")

    drive(script)


def test_pulse_leads_from_an_alert_to_its_container_and_from_engines_home() -> None:
    async def script(driver: Driver) -> None:
        driver.app.run_command("pulse")
        await driver.sees("alerts")
        view = driver.app.screen.query_one(PulseView)
        view.alerts.focus()
        view.alerts.move_cursor_to(("docker/dind", "oom"))
        await driver.press("enter")
        await driver.sees("› dind › Limits")
        await driver.press("escape")
        view.engines.focus()
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, HomePage))

    drive(script)


def test_pulse_of_an_idle_host() -> None:
    async def script(driver: Driver) -> None:
        driver.app.run_command("pulse")
        await driver.sees("no container runs")
        await driver.sees("all is well")

    drive(script, FakeSource(empty_host()))


def test_rows_of_thousands_of_processes_are_made_aside() -> None:
    small = host(hostile=False)
    first = max(small.tasks) + 1
    one = small.tasks[512]
    many = {
        pid: one._replace(pid=pid, pids=(pid,), start_time=pid)
        for pid in range(first, first + LARGE)
    }
    source = FakeSource(small._replace(tasks={**small.tasks, **many}))
    makers = set()

    class Watched(ProcessView):
        def rows(self, snapshot: Snapshot) -> list[Row]:
            makers.add(threading.current_thread().name)
            return super().rows(snapshot)

    async def script(driver: Driver) -> None:
        view = Watched()
        driver.app.push_screen(ViewPage(view, "Processes"))
        await driver.until(lambda: len(view.table.rows) == len(source.current.tasks))
        view.put_cursor_on((first, first))
        await driver.press("t", "P")  # no tree, the last first
        await driver.until(lambda: view.table.rows[-1].key == (1, 3))
        assert view.cursor_key == (first, first)
        view.set_filter(str(first))
        await driver.until(lambda: len(view.table.rows) < len(many))
        assert view.cursor_key == (first, first)
        source.current = small
        driver.app.scanner.look_now()
        await driver.until(lambda: not view.table.rows)

    drive(script, source, interval=3600.0)
    assert makers == {"nsview-scanner"}


def test_names_of_other_users_make_no_row_anew() -> None:
    """Ten thousand rows are not compared because one container came with its /etc/passwd."""
    snapshot = host(hostile=False)
    view = ProcessView()
    view.snapshot = snapshot
    before = view.rows(snapshot)
    view._users = ProcessUsers(outside={4_000_000: "somebody"})
    after = view.rows(snapshot)
    assert len(after) == len(snapshot.tasks)
    assert all(one is other for one, other in zip(before, after, strict=True))
    root = next(task for task in snapshot.tasks.values() if task.pid not in snapshot.membership)
    view._users = ProcessUsers(outside={root.uid: "the-one"})
    assert any(one is not other for one, other in zip(after, view.rows(snapshot), strict=True))
