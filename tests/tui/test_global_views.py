"""`:ps`, `:ns`, `:pid`, `:xray` and the object pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from tui import fake_details as fake
from tui.page_app import PageApp, drive

from nsview.host.process_users import ProcessUsers
from nsview.host.task_gauge import Used
from nsview.tui.container import ContainerScreen
from nsview.tui.cost import Cost
from nsview.tui.ns import namespace_list_page
from nsview.tui.object_page import namespace_page, process_page
from nsview.tui.page import Page
from nsview.tui.pid_view import pid_page
from nsview.tui.process_figures import Figures, ProcessReading
from nsview.tui.ps import process_list_page
from nsview.tui.row_table import RowTable
from nsview.tui.xray import xray_page

SIZE = (120, 30)

#: sshd has two threads; the other one is in a network of its own.
THREAD = fake.task(401, 400, "\x1b[mreader", fake.inodes(net=7), threads=0)
THREADS = {THREAD.identity: THREAD}
USED = {
    (400, 4000): Used(2.5, 8 << 20),
    (4711, 47110): Used(0.0, 9 << 20),
    (4791, 47910): Used(97.5, 1 << 20),
    THREAD.identity: Used(0.0, 8 << 20),
}


def app_of(page: Page, *, hostile: bool = False) -> PageApp:
    namespaces = fake.namespaces(hostile=hostile)

    def answer(job: Any, snapshot: Any) -> Any:
        web = next(one for one in namespaces if one.ino == fake.WEB[1])
        answers = {
            "NamespaceObject": (snapshot, web),
            "ProcessView": ProcessReading(ProcessUsers(), Figures(USED)),
            "NamespaceView": namespaces,
            "XrayView": namespaces,
        }
        return answers.get(job.__qualname__.partition(".")[0])

    return PageApp(page, fake.snapshot(hostile=hostile), answer)


def rows(app: PageApp) -> list[Any]:
    return list(app.screen.query_one(RowTable).rows)


def keys(app: PageApp) -> list[Any]:
    return [row.key for row in rows(app)]


def test_a_filter_that_is_typed_in_one_go_arrives_whole() -> None:
    app = app_of(process_list_page())

    async def steps(pilot: Any) -> None:
        for key in "/n/i":
            app.post_message(events.Key(_character_to_key(key), key))
        await pilot.pause()
        assert app.screen.view.typed_filter == "n/i"

    drive(app, steps, SIZE)


def test_processes_sort_by_keys_titles_and_the_menu() -> None:
    app = app_of(process_list_page())

    async def steps(pilot: Any) -> None:
        await pilot.press("t")  # flat
        by_pid = keys(app)
        assert by_pid == sorted(by_pid)
        await pilot.press("I")
        assert keys(app) == by_pid[::-1]
        await pilot.press("T")
        youngest_first = sorted(by_pid, key=lambda key: -key[1])
        assert keys(app) == youngest_first
        assert "UP▲" in app.text
        await pilot.press("P")
        await pilot.click(RowTable, offset=(app.lines[2].index("COMMAND") - 1, 0))
        commands = [row.cells[-1].text for row in rows(app)]
        assert commands == sorted(commands)
        await pilot.press("f6")
        await pilot.pause()
        assert "sort by" in app.text
        assert "CONTAINER" in app.text
        await pilot.press("g", "enter")
        await pilot.pause()
        assert keys(app) == by_pid

    drive(app, steps, SIZE)


def test_threads_stand_below_their_process_and_lead_to_it() -> None:
    app = app_of(process_list_page())

    async def steps(pilot: Any) -> None:
        app.screen.view.receive(ProcessReading(ProcessUsers(), Figures(USED, THREADS)))
        await pilot.pause()
        line = next(line for line in app.lines if "reader" in line)
        assert "└ thread \\x1b[mreader (in anoth" in line
        keys_ = keys(app)
        assert keys_[keys_.index(THREAD.identity) - 1] == (400, 4000)
        app.screen.view.put_cursor_on(THREAD.identity)
        assert app.screen.view.copy_text() == "401"
        await pilot.press("f9")
        assert app.signals == [([(400, 4000)], "process 400, sshd: /usr/sbin/sshd -D")]
        assert app.screen.view.place().task.pid == 400
        await pilot.press("enter")
        assert "process 400" in app.lines[1]

    drive(app, steps, SIZE)


def test_threads_are_read_when_they_are_asked_for() -> None:
    app = app_of(process_list_page())

    async def steps(pilot: Any) -> None:
        with_threads: list[bool] = []

        def answer(job: Any, snapshot: Any) -> Any:
            names = job.__code__.co_freevars
            threads = job.__closure__[names.index("threads")].cell_contents
            with_threads.append(threads)
            found = Figures(USED, THREADS if threads else {}, Cost(computed=0.0123))
            return ProcessReading(ProcessUsers(), found)

        app.scanner.answer = answer
        assert THREAD.identity not in keys(app)
        await pilot.press("H")
        assert with_threads[-1]
        assert THREAD.identity in keys(app)
        assert "1 thread, read in 12 ms" in app.lines[1]
        await pilot.press("H")
        assert not with_threads[-1]
        assert THREAD.identity not in keys(app)
        assert "thread" not in app.lines[1]

    drive(app, steps, SIZE)


def test_what_processes_use_is_shown_and_sorts_them() -> None:
    app = app_of(process_list_page())

    async def steps(pilot: Any) -> None:
        line = next(line for line in app.lines if " 4791 " in line)
        assert line.split()[-8:-5] == ["97.5", "1.0M", "1h"]
        await pilot.press("t", "C")
        assert keys(app)[:2] == [(4791, 47910), (400, 4000)]
        await pilot.press("M")
        assert keys(app)[0] == (4711, 47110)

    drive(app, steps, SIZE)


def test_the_processes_of_one_user() -> None:
    app = app_of(process_list_page())

    async def steps(pilot: Any) -> None:
        everybody = keys(app)
        await pilot.press("u")
        choices = [row.cells[0] for row in rows(app)]
        assert choices[:3] == ["9  everybody's", "5  0", "2  101"]
        await pilot.press("down", "down", "enter")
        assert [key[0] for key in keys(app)] == [4790, 4791]
        assert "of 101" in app.lines[1]
        await pilot.press("/", *"nope", "enter", "escape")
        assert keys(app) == everybody
        await pilot.press("u", "down", "escape")
        assert keys(app) == everybody

    drive(app, steps, SIZE)


def test_the_hosts_processes_and_the_kernels_can_be_left_out() -> None:
    app = app_of(process_list_page())
    kernel = app.snapshot.tasks[400]._replace(kernel_thread=True)
    app.snapshot = app.snapshot._replace(tasks=app.snapshot.tasks | {400: kernel})

    async def steps(pilot: Any) -> None:
        everybody = {key[0] for key in keys(app)}
        await pilot.press("K")
        assert {key[0] for key in keys(app)} == everybody - {400}
        assert "no kernel threads" in app.lines[1]
        await pilot.press("O")
        assert {key[0] for key in keys(app)} == set(app.snapshot.membership)
        await pilot.press("K", "O")
        assert {key[0] for key in keys(app)} == everybody

    drive(app, steps, SIZE)


def test_a_table_is_saved_as_it_is_shown(tmp_path: Path) -> None:
    app = app_of(process_list_page(), hostile=True)

    async def steps(pilot: Any) -> None:
        for name in ("ps.json", "ps.txt"):
            await pilot.press("ctrl+s")
            app.screen.query_one("Prompt Input").value = str(tmp_path / name)
            await pilot.press("enter")

    drive(app, steps, SIZE)
    saved = json.loads((tmp_path / "ps.json").read_text())
    assert saved[0]["level-0"] == "1"
    assert saved[0]["container"] == "host"
    assert {one["level-0"] for one in saved} == {str(task.pid) for task in fake.tasks()}
    text = (tmp_path / "ps.txt").read_text()
    assert text.replace("\n", "").isprintable()
    assert len(text.splitlines()) == 1 + len(saved)


def test_a_signal_can_be_sent_from_the_page_of_a_process() -> None:
    app = app_of(process_page((4790, 47900)))

    async def steps(pilot: Any) -> None:
        await pilot.press("f9")
        assert app.signals == [([(4790, 47900)], "process 4790, nginx: worker process")]
        assert "signal" in app.lines[-1]
        app.readonly = True
        app.screen.refresh_bindings()
        await pilot.press("f9")
        await pilot.pause()
        assert len(app.signals) == 1
        assert "signal" not in app.lines[-1]

    drive(app, steps, SIZE)


def test_marked_processes_are_signalled_and_copied_together() -> None:
    app = app_of(process_list_page())

    async def steps(pilot: Any) -> None:
        table = app.screen.query_one(RowTable)
        await pilot.press("t")
        table.move_cursor_to((4790, 47900))
        await pilot.press("space", "space")
        assert table.cursor_key == (5200, 52000)
        assert "2 marked" in app.lines[1]
        app.screen.view.rebuild()
        await pilot.press("f9")
        assert app.signals == [([(4790, 47900), (4791, 47910)], "2 processes")]
        assert app.screen.view.copy_text() == "4790 4791"
        rest = {pid: task for pid, task in app.snapshot.tasks.items() if pid != 4791}
        app.look(app.snapshot._replace(tasks=rest))
        assert table.chosen == [(4790, 47900)]
        await pilot.press("escape")
        assert "marked" not in app.lines[1]
        assert app.screen.view.copy_text() == "5200"

    drive(app, steps, SIZE)


def test_siblings_of_a_tree_are_sorted_and_the_cursor_stays_on_its_process() -> None:
    app = app_of(ContainerScreen("docker/web", "processes"))

    async def steps(pilot: Any) -> None:
        await pilot.press("down")
        cursor = app.screen.query_one(RowTable).cursor_key
        assert keys(app) == [(4711, 47110), (4790, 47900), (4791, 47910)]
        await pilot.press("I")
        assert keys(app) == [(4711, 47110), (4791, 47910), (4790, 47900)]
        assert app.screen.query_one(RowTable).cursor_key == cursor == (4790, 47900)

    drive(app, steps, SIZE)


def test_namespaces_sort_and_what_has_no_order_has_no_sort_key() -> None:
    app = app_of(namespace_list_page())

    async def steps(pilot: Any) -> None:
        await pilot.press("greater_than_sign")
        inodes = [key[1] for key in keys(app)]
        assert inodes == sorted(inodes)
        await pilot.press("less_than_sign")
        assert keys(app)[0] == ("mnt", fake.HOST[0])

    drive(app, steps, SIZE)
    tree = app_of(xray_page())

    async def nothing(pilot: Any) -> None:
        before = keys(tree)
        await pilot.press("f6", "I", "N")
        assert keys(tree) == before
        assert tree.screen.query_one(RowTable)  # no menu on top of it

    drive(tree, nothing, SIZE)


def test_processes_of_everybody_with_container_and_levels() -> None:
    app = app_of(process_list_page())

    async def steps(_: Any) -> None:
        assert len(rows(app)) == len(fake.tasks())
        assert "HOST▲  INSIDE  IN inner  CONTAINER" in app.text
        assert "5210       19         1  docker/dind/inner" in app.text

    drive(app, steps, SIZE)


def test_t_switches_to_a_flat_list() -> None:
    app = app_of(process_list_page())

    async def steps(pilot: Any) -> None:
        assert any(row.prefix for row in rows(app))
        await pilot.press("t")
        assert not any(row.prefix for row in rows(app))

    drive(app, steps, SIZE)


def test_t_cycles_through_the_orders_of_namespaces() -> None:
    app = app_of(namespace_list_page())

    async def steps(pilot: Any) -> None:
        orders = []
        for _ in range(4):
            orders.append(app.first.view.order)
            await pilot.press("t")
        assert orders == ["flat", "parent", "owner", "flat"]

    drive(app, steps, SIZE)


def test_only_one_kind() -> None:
    app = app_of(namespace_list_page("net"))
    asked: list[Any] = []

    def answer(job: Any, snapshot: Any) -> Any:
        asked.append(job.__closure__[0].cell_contents)
        return tuple(one for one in fake.namespaces() if one.kind == "net")

    app.scanner.answer = answer

    async def steps(_: Any) -> None:
        assert asked[0] == ("net",)
        assert {row.key[0] for row in rows(app)} == {"net"}

    drive(app, steps, SIZE)


def test_pid_shows_everybody_of_that_number_and_leads_to_the_container() -> None:
    app = app_of(pid_page(1))

    async def steps(pilot: Any) -> None:
        assert [row.key[0] for row in rows(app)] == [1, 4711, 5200, 5210, 6000]
        assert "5210 host › 19 dind › 1 inner" in app.text
        await pilot.press("down", "down", "down", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ContainerScreen)
        assert "inner › Processes" in app.lines[1]
        assert app.screen.view.query_one(RowTable).cursor_key == (5210, 52100)

    drive(app, steps, SIZE)


def test_pid_puts_the_cursor_on_the_process_in_its_container() -> None:
    app = app_of(pid_page(8))

    async def steps(pilot: Any) -> None:
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.query(RowTable).first(RowTable) is not None
        assert isinstance(app.screen, ContainerScreen)
        assert app.screen.view.query_one(RowTable).cursor_key == (4791, 47910)

    drive(app, steps, SIZE)


def test_a_number_that_nobody_has() -> None:
    app = app_of(pid_page(31337))

    async def steps(_: Any) -> None:
        assert "no process has the number 31337" in app.text

    drive(app, steps, SIZE)


def test_xray_folds_containers_at_first() -> None:
    app = app_of(xray_page())

    async def steps(pilot: Any) -> None:
        kinds = {row.key[0] for row in rows(app)}
        assert kinds == {"user", "pid", "container"}
        table = app.screen.query_one(RowTable)
        assert table.move_cursor_to(("container", "docker/web"))
        await pilot.press("space")
        assert ("process", 4790) in {row.key for row in rows(app)}
        app.look(fake.snapshot())
        await pilot.pause()
        assert ("process", 4790) in {row.key for row in rows(app)}

    drive(app, steps, SIZE)


def test_xray_of_one_container() -> None:
    app = app_of(xray_page("podman/worker"))

    async def steps(pilot: Any) -> None:
        assert [row.key[0] for row in rows(app)] == ["user", "user", "pid", "container"] + [
            "process"
        ] * 2
        await pilot.press("down", "down", "down", "enter")
        assert isinstance(app.screen, ContainerScreen)

    drive(app, steps, SIZE)


def test_a_process_that_is_gone_keeps_its_page() -> None:
    app = app_of(process_page((4790, 47900)))
    app.scanner.answer = None

    async def steps(pilot: Any) -> None:
        assert "7     pid:[" in app.text
        app.look(fake.snapshot(without=["docker/web"]))
        await pilot.pause()
        assert "gone since" in app.lines[1]
        assert "7     pid:[" in app.text

    drive(app, steps, SIZE)


def test_a_namespace_that_is_gone_says_so() -> None:
    web = next(one for one in fake.namespaces() if one.ino == fake.WEB[1])
    app = app_of(namespace_page(web))

    async def steps(pilot: Any) -> None:
        assert "gone since" not in app.lines[1]
        app.scanner.answer = lambda job, snapshot: (snapshot, None)
        app.look(fake.snapshot(without=["docker/web"]))
        await pilot.pause()
        assert "gone since" in app.lines[1]
        assert "fd 3 of 400 (sshd)" in app.text

    drive(app, steps, SIZE)


PAGES: dict[str, Callable[[], Page]] = {
    "ps": process_list_page,
    "ns": namespace_list_page,
    "pid": lambda: pid_page(1),
    "xray": xray_page,
    "process": lambda: process_page((4711, 47110)),
    "namespace": lambda: namespace_page(
        next(one for one in fake.namespaces(hostile=True) if one.ino == fake.WEB[1])
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_hostile_text_is_shown_and_never_obeyed(name: str) -> None:
    app = app_of(PAGES[name](), hostile=True)
    if name == "process":
        app.scanner.answer = None

    async def steps(pilot: Any) -> None:
        assert app.text.replace("\n", "").isprintable()
        assert "\\x1b]0;owned" in app.text or name == "ns"

    drive(app, steps, SIZE)


@pytest.mark.parametrize("name", PAGES)
def test_every_view_says_what_the_kernel_does(name: str) -> None:
    page = PAGES[name]()

    assert len(page.HELP) > 100
