"""The page of a container, driven by keys and by what happens on the host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.widgets import ContentSwitcher
from tui import fake_details as fake
from tui.page_app import PageApp, drive

from nsview.host.details import Capabilities, Details
from nsview.host.mounts import arrange_mounts
from nsview.host.process_details import ProcessDetails
from nsview.host.process_users import NamesInside, ProcessUsers
from nsview.kernel.idmap import IdRange
from nsview.kernel.mountinfo import parse_mountinfo
from nsview.tui.container import TABS, ContainerScreen
from nsview.tui.facts import Facts
from nsview.tui.process_figures import ProcessReading
from nsview.tui.row_table import RowTable
from nsview.tui.tabs.changes import ChangesTab
from nsview.tui.tabs.files import FilesTab
from nsview.tui.tabs.layers import LayersTab
from nsview.tui.tabs.limits import LimitsTab
from nsview.tui.tabs.mounts import MountsTab
from nsview.tui.tabs.namespaces import NamespacesTab
from nsview.tui.tabs.net import NetTab
from nsview.tui.tabs.processes import ProcessesTab
from nsview.tui.tabs.summary import SummaryFacts, SummaryTab

SMALL = (80, 24)
LARGE = (160, 45)


def page_app(ref: str = "docker/web", tab: str = "summary", **more: Any) -> PageApp:
    return PageApp(ContainerScreen(ref, tab), fake.snapshot(), **more)


def type_ahead(app: PageApp, keys: str) -> None:
    """As a terminal that gives all of it in one read: nobody waits between the keys."""
    for key in keys:
        app.post_message(events.Key(_character_to_key(key), key))


def table_of(app: PageApp) -> RowTable:
    page = app.screen
    assert isinstance(page, ContainerScreen)
    return page.view.query_one(RowTable)


def keys_of(app: PageApp) -> list[Any]:
    return [row.key for row in table_of(app).rows]


@pytest.mark.parametrize(
    ("keys", "tab"),
    [
        ([], SummaryTab),
        (["2"], ProcessesTab),
        (["3"], LayersTab),
        (["4"], ChangesTab),
        (["5"], FilesTab),
        (["6"], MountsTab),
        (["7"], NamespacesTab),
        (["8"], NetTab),
        (["9"], LimitsTab),
        (["right_square_bracket"], ProcessesTab),
        (["left_square_bracket"], LimitsTab),
        (["9", "right_square_bracket"], SummaryTab),
    ],
)
def test_digits_and_brackets_choose_tabs(keys: list[str], tab: type) -> None:
    app = page_app()

    async def steps(pilot: Any) -> None:
        await pilot.press(*keys)
        assert isinstance(app.first.view, tab)
        assert app.first.HELP == tab.HELP

    drive(app, steps)


def test_a_tab_is_built_when_it_is_first_shown_and_then_kept() -> None:
    app = page_app(tab="layers")

    def built() -> list[type]:
        return [type(view) for view in app.first.query_one(ContentSwitcher).children]

    async def steps(pilot: Any) -> None:
        assert built() == [LayersTab]
        await pilot.press("2")
        table = table_of(app)
        await pilot.press("3", "2", "3", "2")
        assert built() == [LayersTab, ProcessesTab]
        assert table_of(app) is table

    drive(app, steps)


def test_keys_typed_in_one_go_reach_the_tab_that_they_follow() -> None:
    app = page_app()

    async def steps(pilot: Any) -> None:
        type_ahead(app, "2jj")
        await pilot.pause()
        assert table_of(app).cursor_key == keys_of(app)[2]

    drive(app, steps)


def test_a_filter_typed_in_one_go_with_its_tab_arrives_whole() -> None:
    app = page_app()

    async def steps(pilot: Any) -> None:
        type_ahead(app, "2/a/1[")
        await pilot.pause()
        assert isinstance(app.screen.view, ProcessesTab)
        assert app.screen.view.typed_filter == "a/1["

    drive(app, steps)


def test_a_filter_typed_at_the_stack_is_that_of_the_tree() -> None:
    app = page_app(tab="layers")

    async def steps(pilot: Any) -> None:
        type_ahead(app, "/etc")
        await pilot.pause()
        tab = app.screen.view
        assert tab.pane is tab.files
        assert tab.files.typed_filter == "etc"

    drive(app, steps)


def test_a_click_chooses_a_tab() -> None:
    app = page_app()

    async def steps(pilot: Any) -> None:
        await pilot.click("TabBar", offset=(15, 0))
        assert isinstance(app.first.view, ProcessesTab)
        assert "▐2 Procs▌" in app.text

    drive(app, steps)


def test_summary_shows_the_matrix_before_anything_has_been_read() -> None:
    app = page_app()

    async def steps(_: Any) -> None:
        assert f"net     {fake.WEB[1]}      {fake.HOST[1]}       nobody" in app.text
        assert "user    4026531837      = host (shared)" in app.text
        assert "reading more ..." in app.first.view.query_one(Facts).text

    drive(app, steps)


def details_of(**more: Any) -> Details:
    one = fake.snapshot().container("docker/web")
    assert one is not None
    base = Details(
        container=one,
        process=ProcessDetails(pid=4711, start_time=47110),
        capabilities=Capabilities(
            effective=("chown", "sys_admin"), bounding=(), ambient=(), total=41,
            beyond_default=("sys_admin",),
        ),
        seccomp="filter", seccomp_filters=1, no_new_privs=False, label="docker-default",
        uid_map=(IdRange(0, 100000, 65536),), gid_map=(IdRange(0, 100000, 65536),),
        kernel="6.18.44",
    )  # fmt: skip
    return replace(base, **more)


def test_summary_fills_in_what_has_been_read_and_keeps_it() -> None:
    facts = SummaryFacts(details_of(), None)
    app = page_app(answer=lambda job, snapshot: facts)

    async def steps(pilot: Any) -> None:
        text = app.first.view.query_one(Facts).text
        assert "2 of 41: chown" in text
        assert "beyond docker's default: sys_admin" in text
        assert "docker-default" in text
        assert "100000   65536" in text
        app.scanner.answer = None
        app.look(fake.snapshot())
        await pilot.pause()
        assert "docker-default" in app.first.view.query_one(Facts).text

    drive(app, steps, LARGE)


def test_summary_scrolls_and_stays_where_it_was() -> None:
    facts = SummaryFacts(details_of(), None)
    app = page_app(answer=lambda job, snapshot: facts)

    async def steps(pilot: Any) -> None:
        page = app.first.view.query_one(Facts)
        await pilot.press("end")
        await pilot.wait_for_animation()
        before = page.scroll_offset.y
        assert before > 0
        app.look(fake.snapshot()._replace(taken=fake.NOW + 2))
        await pilot.pause()
        assert page.scroll_offset.y == before

    drive(app, steps)


def test_cursor_stays_on_its_process() -> None:
    app = page_app(tab="processes")

    async def steps(pilot: Any) -> None:
        await pilot.press("end")
        assert table_of(app).cursor_key == (4791, 47910)
        snapshot = fake.snapshot()
        young = fake.task(4780, 4711, "nginx", fake.WEB, (4780, 3))
        containers = tuple(
            one._replace(members=(4711, 4780, 4791)) if one.ref == "docker/web" else one
            for one in snapshot.containers
        )
        tasks = {pid: task for pid, task in snapshot.tasks.items() if pid != 4790}
        app.look(snapshot._replace(tasks={**tasks, 4780: young}, containers=containers))
        await pilot.pause()
        assert keys_of(app) == [(4711, 47110), (4780, 47800), (4791, 47910)]
        assert table_of(app).cursor_key == (4791, 47910)

    drive(app, steps)


def test_space_folds_and_the_fold_survives_a_refresh() -> None:
    app = page_app(tab="processes")

    async def steps(pilot: Any) -> None:
        await pilot.press("space")
        assert keys_of(app) == [(4711, 47110)]
        app.look(fake.snapshot())
        await pilot.pause()
        assert keys_of(app) == [(4711, 47110)]
        await pilot.press("space")
        assert len(keys_of(app)) == 3

    drive(app, steps)


def test_nested_containers_add_a_column() -> None:
    app = page_app("docker/dind", "processes")

    async def steps(_: Any) -> None:
        assert "HOST▲ IN dind  IN inner" in app.text
        assert "5210       19         1" in app.text

    drive(app, steps)


def test_every_tab_has_its_number_however_narrow_it_is() -> None:
    app = page_app()

    async def steps(pilot: Any) -> None:
        await pilot.resize_terminal(44, 15)
        await pilot.pause()
        bar = app.lines[2]
        assert "▐1 Summary▌" in bar
        assert bar.split()[-1] == str(len(TABS))

    drive(app, steps)


def test_users_inside_come_with_the_map_and_the_accounts_of_the_container() -> None:
    users = ProcessUsers(
        maps={fake.WORKER[5]: (IdRange(0, 100000, 65536),)},
        inside={"podman/worker": NamesInside((6000, 60000), {0: "\x1b[2Jroot"})},
    )
    app = page_app("podman/worker", "processes", answer=lambda *_: ProcessReading(users))

    async def steps(pilot: Any) -> None:
        await pilot.pause()
        assert "33 = 100033" in app.text
        assert "\\x1b[2Jroot = 10" in app.text

    drive(app, steps)


def test_signal_is_asked_about_the_process_under_the_cursor() -> None:
    app = page_app(tab="processes")

    async def steps(pilot: Any) -> None:
        await pilot.press("down", "f9")
        assert app.signals == [([(4790, 47900)], "process 4790, nginx: worker process")]

    drive(app, steps)


def test_elsewhere_the_first_process_gets_the_signal() -> None:
    app = page_app(tab="summary")

    async def steps(pilot: Any) -> None:
        await pilot.press("f9")
        assert app.signals == [([(4711, 47110)], "web (process 4711)")]

    drive(app, steps)


def test_readonly_takes_the_signal_away() -> None:
    app = page_app(tab="processes")
    app.readonly = True

    async def steps(pilot: Any) -> None:
        await pilot.press("f9")
        assert app.signals == []
        assert "signal" not in app.lines[-1]

    drive(app, steps)


def test_filter_keeps_what_fits_and_escape_clears_it_first() -> None:
    app = page_app(tab="processes")

    async def steps(pilot: Any) -> None:
        await pilot.press("t", "slash", *"4791", "enter")
        assert keys_of(app) == [(4791, 47910)]
        assert app.lines[1].endswith("/4791")
        await pilot.press("escape")
        assert len(keys_of(app)) == 3
        assert app.screen is app.first
        await pilot.press("escape")
        assert app.screen is not app.first

    drive(app, steps)


def test_enter_opens_the_process_and_escape_comes_back() -> None:
    app = page_app(tab="processes")

    async def steps(pilot: Any) -> None:
        await pilot.press("down", "enter")
        assert "web › Processes › process 4790" in app.lines[1]
        await pilot.pause()
        assert "nginx: worker process" in app.text
        await pilot.press("escape")
        assert app.screen is app.first
        assert table_of(app).cursor_key == (4790, 47900)

    drive(app, steps)


def test_a_vanished_container_says_so_in_place() -> None:
    app = page_app()

    async def steps(pilot: Any) -> None:
        before = app.first.view.query_one(Facts).text
        app.look(fake.snapshot(without=["docker/web"]))
        await pilot.pause()
        assert "web is gone since " in app.lines[1]
        assert app.first.alarming
        assert app.first.view.query_one(Facts).text == before
        remark = app.first.remark()
        app.look(fake.snapshot(without=["docker/web"])._replace(taken=fake.NOW + 60))
        assert app.first.remark() == remark
        await pilot.press("escape")
        assert app.screen is not app.first

    drive(app, steps)


def test_a_restarted_container_is_told_from_the_old_one() -> None:
    app = page_app()
    snapshot = fake.snapshot()
    again = tuple(
        one._replace(pid=8000, start_time=80000, members=(8000,))
        if one.ref == "docker/web"
        else one
        for one in snapshot.containers
    )

    async def steps(pilot: Any) -> None:
        app.look(fake.snapshot(without=["docker/web"]))
        app.look(snapshot._replace(containers=again))
        await pilot.pause()
        assert app.first.remark().startswith("restarted at ")

    drive(app, steps)


MOUNTS = arrange_mounts(
    parse_mountinfo(
        b"20 1 0:30 / / rw,relatime - overlay overlay rw\n"
        b"21 20 0:31 / /proc rw,nosuid - proc proc rw\n"
        b"24 21 0:33 / /proc rw - tmpfs tmpfs rw\n"
    )
)


def test_hidden_mounts_say_so_in_words() -> None:
    app = page_app(tab="mounts", answer=lambda job, snapshot: MOUNTS)

    async def steps(pilot: Any) -> None:
        await pilot.pause()
        assert "/proc (hidden in place)" in app.text
        await pilot.press("enter")
        assert "mount /" in app.lines[1]

    drive(app, steps)


def test_mounts_tell_why_there_are_none() -> None:
    app = page_app(tab="mounts", answer=lambda job, snapshot: "its mounts may not be read")

    async def steps(pilot: Any) -> None:
        await pilot.pause()
        assert "its mounts may not be read" in app.text

    drive(app, steps)


def test_namespaces_of_the_container_with_their_holders() -> None:
    web = next(one for one in fake.namespaces() if one.ino == fake.WEB[1])

    def answer(job: Any, snapshot: Any) -> Any:
        of_page = job.__qualname__.startswith("NamespaceObject")
        return (snapshot, web) if of_page else fake.namespaces()

    app = page_app(tab="namespaces", answer=answer)

    async def steps(pilot: Any) -> None:
        await pilot.pause()
        assert len(keys_of(app)) == 8
        assert "3 processes, fd 3 of 400 (sshd), bind /run/netns/blue" in app.text
        await pilot.press("down", "enter")
        await pilot.pause()
        assert f"net:[{fake.WEB[1]}]" in app.lines[1]

    drive(app, steps, LARGE)


@pytest.mark.parametrize("tab", ["summary", "processes", "mounts", "namespaces"])
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_hostile_text_is_shown_and_never_obeyed(tab: str, size: tuple[int, int]) -> None:
    mounts = arrange_mounts(
        parse_mountinfo(b"20 1 0:30 / /\x1b]0;owned\x07[/nope] rw - x\xff y\x9b2J rw\n")
    )
    answers = {
        "summary": SummaryFacts(details_of(label=fake.HOSTILE, hostname=fake.HOSTILE), None),
        "processes": ProcessReading(
            ProcessUsers(
                outside={0: fake.HOSTILE},
                inside={"docker/web": NamesInside((4711, 47110), {0: fake.HOSTILE})},
            )
        ),
        "mounts": mounts,
        "namespaces": fake.namespaces(hostile=True),
    }
    app = PageApp(
        ContainerScreen("docker/web", tab),
        fake.snapshot(hostile=True),
        answer=lambda job, snapshot: answers[tab],
    )

    async def steps(pilot: Any) -> None:
        await pilot.pause()
        assert app.text.replace("\n", "").isprintable()
        assert "\\x1b]0;owned" in app.text or tab == "namespaces"

    drive(app, steps, size)


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("processes", "it has no processes"),
        ("layers", "its layers were not read before"),
        ("changes", "its layers were not read before"),
        ("files", "its layers were not read before"),
        ("mounts", "its mount namespace is gone"),
        ("namespaces", "its namespaces are gone"),
        ("limits", "what it used was not read before"),
    ],
)
def test_no_tab_of_what_is_gone_is_blank_or_waits_for_ever(tab: str, words: str) -> None:
    gone = fake.snapshot(without=["docker/web"])

    def answer(job: Any, snapshot: Any) -> Any:
        if tab == "processes":
            return ProcessReading(ProcessUsers())
        return job(None, snapshot) if tab == "mounts" else ()

    app = PageApp(ContainerScreen("docker/web", tab), gone, answer)

    async def steps(pilot: Any) -> None:
        await pilot.pause()
        assert words in app.text, app.text

    drive(app, steps)
