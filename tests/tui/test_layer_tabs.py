"""The Layers, Changes and Files tabs on real directories, driven by keys."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tui import fake_details as fake
from tui.layer_trees import HOSTILE_FILE, make_layers, stack_of, whiteout, write
from tui.page_app import PageApp

from nsview.errors import NoSuchObject
from nsview.layers import sizes
from nsview.layers.merge import MergedTree
from nsview.layers.stack import Layer, Stack
from nsview.tui import cost, tree_jobs
from nsview.tui.change_list import ChangeList
from nsview.tui.container import ContainerScreen
from nsview.tui.explorer import Read
from nsview.tui.file_tree import FileTree
from nsview.tui.row_table import RowTable
from nsview.tui.rows.files import Listing
from nsview.tui.rows.stack import Size
from nsview.tui.stack_pane import StackPane
from nsview.tui.text_screen import TableScreen, TextScreen
from nsview.tui.tree_reader import Reading

SMALL = (80, 24)
LARGE = (160, 45)
GRIDS = Path(__file__).parent / "grids"
_PATIENCE = 60.0

Steps = Callable[["Explored"], Awaitable[None]]


class Explored(PageApp):
    """The page of a container with that stack."""

    pilot: Any

    def __init__(self, stack: Stack | str, tab: str, *, readonly: bool = False) -> None:
        super().__init__(ContainerScreen("docker/web", tab), fake.snapshot(), self._answer)
        self.stack: Stack | str = stack
        self.readonly = readonly

    def _answer(self, job: Any, snapshot: Any) -> Any:
        if not job.__qualname__.startswith("Explorer."):
            return None
        container = snapshot.container("docker/web")
        identity = container.pid, container.start_time
        if isinstance(self.stack, str):
            return Read(identity, problem=self.stack)
        return Read(identity, self.stack)

    async def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("it never became true; the screen:\n" + self.text)
            await self.pilot.pause(0.01)

    async def sees(self, *texts: str) -> None:
        await self.until(lambda: all(text in self.text for text in texts))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def line(self, text: str) -> str:
        return next(line for line in self.lines if text in line)

    @property
    def table(self) -> RowTable:
        return self.screen.focused

    def names(self) -> list[str]:
        return [row.key for row in self.table.rows]


def drive(
    stack: Stack | str, tab: str, steps: Steps, size: tuple[int, int] = LARGE, **more: Any
) -> None:
    app = Explored(stack, tab, **more)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            app.pilot = pilot
            await pilot.pause()
            await steps(app)

    asyncio.run(run())


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return stack_of(make_layers(tmp_path))


def test_the_stack_with_sizes_and_instructions_newest_on_top(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("3.0M", "8 changes")
        pane = app.first.view.query_one(StackPane)
        cells = [[getattr(c, "text", c) for c in row.cells] for row in pane.table.rows]
        assert cells == [
            ["0", "writable", "75 B", "2", "8 changes"],
            ["1", "init", "0 B", "1", "hosts, hostname, resolv.conf, mount points"],
            ["2", "image", "69 B", "2", "COPY site/ /srv/site"],
            ["3", "image", "3.0M", "6", "RUN apt-get install -y nginx"],
        ]
        assert "[4 Changes 8]" in app.text
        assert "3.0M on disk" in app.text
        await app.press("down", "down")
        assert "sha256:" + "0" * 63 + "2" in pane.details.text.replace("\n", "").replace(" ", "")
        assert "/site" in pane.details.text

    drive(stack, "layers", steps)


def test_a_layer_shows_what_its_whiteouts_and_opaque_directories_hide(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        await app.press("tab", "right", "down")
        await app.sees("old.conf")
        assert re.search(r"D  whiteout +– +117K  layer 3 +├ ✗ old.conf", app.line("old.conf"))
        assert re.search(r"A  -rw-r--r-- .* 50 B +├ app.conf", app.line("app.conf"))
        assert re.search(r"M  -rw-r--r-- .* 25 B  2, 3 +└ passwd", app.line("passwd"))
        await app.press("end", "right", "down")
        await app.sees("cache")
        await app.press("right", "down")
        await app.sees("opaque: layer 3")

    drive(stack, "layers", steps)


def test_merged_and_layer_view_take_turns(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        assert "▸ srv" not in app.text
        await app.press("a")
        await app.sees("▸ srv", "tree: merged")
        assert re.search(r"0\+1… +▸ etc", app.line("▸ etc"))
        await app.press("down", "down")
        await app.sees("tree: layer 2, image", "▸ srv")
        assert "▸ usr" not in app.text

    drive(stack, "layers", steps)


def test_hidden_bytes_are_listed_on_demand(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("3.0M on disk")
        await app.press("w")
        await app.until(lambda: isinstance(app.screen, TableScreen))
        assert re.search(r"2\.9M +1 +3 +0 +opaque directory +/var/cache/apt", app.text)
        assert re.search(r"117K +1 +3 +0 +whiteout +/etc/old.conf", app.text)
        await app.press("escape")
        await app.sees("hidden (w)")
        assert "3.0M that layers above hide" not in app.text
        await app.press("end")
        await app.sees("3.0M that layers above hide")

    drive(stack, "layers", steps)


def test_one_pane_at_a_time_where_it_is_narrow(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("COPY site/", "8 changes")
        assert "▸ etc" not in app.text
        await app.press("tab")
        await app.sees("▸ etc")
        assert "COPY site/" not in app.text
        assert "layer 0, writable" in app.lines[1]
        await app.press("shift+tab")
        await app.sees("COPY site/")

    drive(stack, "layers", steps, SMALL)


def test_why_there_are_no_layers() -> None:
    async def steps(app: Explored) -> None:
        await app.sees("its engine's files name no layers of it")

    for tab in ("layers", "changes", "files"):
        drive("its engine's files name no layers of it", tab, steps)


def test_the_job_reads_the_stack_once_for_each_start(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nsview.tui import explorer

    read: list[str] = []
    answers: list[Any] = [NoSuchObject("no layers", hint="look elsewhere"), stack]

    def read_stack(host: object, snapshot: object, container: Any) -> Stack:
        read.append(container.ref)
        if isinstance(answers[0], Exception):
            raise answers.pop(0)
        return stack

    monkeypatch.setattr(explorer, "read_stack", read_stack)
    one = explorer.Explorer("docker/web")
    snapshot = fake.snapshot()
    for expected in ("no layers (look elsewhere)", None):
        job = one.job(None, snapshot)
        assert job is not None
        one.take(job(None, snapshot), lambda _: None)
        assert (one.stack is None) == (expected is not None)
        assert expected is None or one.problem == expected
    assert one.job(None, snapshot) is None
    assert one.job(None, fake.snapshot(without=["docker/web"])) is None
    assert read == ["docker/web"] * 2
    one.close()


def test_changes_as_a_tree_flat_and_by_size(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("old.conf")
        assert app.names() == [
            "/etc", "/etc/app.conf", "/etc/old.conf", "/etc/passwd", "/var", "/var/cache",
            "/var/cache/apt", "/var/cache/apt/index",
        ][: len(app.names())]  # fmt: skip
        assert re.search(r"D +117K +├ old.conf", app.line("old.conf"))
        assert "1 added" in app.lines[1]
        await app.press("t")
        assert re.search(r"D +117K +/etc/old.conf", app.line("old.conf"))
        await app.press("o")
        sized = [row.cells[1].text for row in app.table.rows]
        assert sized[-1] == "–"
        assert sized[0] in ("2.9M", "117K")
        await app.press("o", "t", "slash", *"pass", "enter")
        assert app.names() == ["/etc", "/etc/passwd"]
        await app.press("escape")
        assert len(app.names()) > 2

    drive(stack, "changes", steps)


def test_kinds_of_changes_can_be_left_out(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("old.conf")
        everything = app.names()
        await app.press("M", "A")
        assert [row.key for row in app.table.rows if row.cells[0].text == "D"] == [
            "/etc/old.conf",
            "/var/cache/apt/index",
        ]
        assert not {"/etc/app.conf", "/etc/passwd"} & set(app.names())
        assert "without added, modified · 1 added" in app.lines[1]
        await app.press("M", "D")
        assert "/etc/passwd" in app.names()
        assert not {"/etc/app.conf", "/etc/old.conf"} & set(app.names())
        await app.press("escape")
        assert app.names() == everything
        await app.press("plus", "t")
        assert app.names() == ["/etc/old.conf", "/var/cache/apt/index"]
        assert "at least 4.0K" in app.lines[1]

    drive(stack, "changes", steps)


def test_a_deleted_file_can_still_be_viewed(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("old.conf")
        app.table.move_cursor_to("/etc/old.conf")
        await app.press("v")
        await app.until(lambda: isinstance(app.screen, TextScreen))
        assert "####" in app.text

    drive(stack, "changes", steps)


def test_changes_follow_what_the_container_does(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("old.conf")
        write(Path(str(stack.layers[0].path)), "etc/fresh", "new")
        await app.until(lambda: app.look(fake.snapshot()) or "fresh" in app.text)

    drive(stack, "changes", steps)


def test_files_say_which_layer_gives_them(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("▸ etc", "bin → usr/bin")
        app.table.move_cursor_to("/etc")
        await app.press("enter")
        await app.sees("app.conf")
        assert re.search(r"^ A  -rw-r--r-- +\d+:\d+ +50 B +0  ├ app.conf", app.line("app.conf"))
        assert re.search(r"^    -rw-r--r-- +\d+:\d+ +0 B +1  ├ hosts", app.line("hosts"))
        assert re.search(r"^ M  -rw-r--r-- .* 25 B +0  └ passwd", app.line("passwd"))
        assert "old.conf" not in app.text
        await app.press("space")
        assert "app.conf" not in app.text

    drive(stack, "files", steps)


def test_left_and_right_walk_through_the_tree(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        app.table.move_cursor_to("/etc")
        await app.press("right")
        await app.sees("app.conf")
        await app.press("down")
        assert app.table.cursor_key == "/etc/app.conf"
        await app.press("left")
        assert app.table.cursor_key == "/etc"
        await app.press("left")
        assert "app.conf" not in app.text

    drive(stack, "files", steps)


def test_files_can_be_filtered_by_path_change_and_size(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        for path in ("/etc", "/usr", "/usr/bin"):
            app.table.move_cursor_to(path)
            await app.press("enter")
            await app.until(lambda path=path: any(n != path and str(n).startswith(path)
                                                  for n in app.names()))  # fmt: skip
        await app.sees("tool", "app.conf")
        await app.press("slash", *"tool", "enter")
        assert app.names() == ["/usr", "/usr/bin", "/usr/bin/tool"]
        await app.press("escape", "asterisk")
        assert app.names() == ["/etc", "/etc/app.conf", "/etc/passwd", "/var"]
        assert "changed only" in app.lines[1]
        await app.press("A")
        assert app.names() == ["/etc", "/etc/passwd", "/var"]
        await app.press("A", "M", "U")
        assert {"/etc/app.conf", "/etc/hosts"} < set(app.names())
        assert "/etc/passwd" not in app.names()
        await app.press("M", "U")
        await app.press("escape", "plus")
        assert "/etc/app.conf" not in app.names()
        assert "at least 4.0K" in app.lines[1]
        await app.press("minus", "o")
        etc = [name for name in app.names() if str(name).startswith("/etc/")]
        assert etc == ["/etc/app.conf", "/etc/passwd", "/etc/hosts"]

    drive(stack, "files", steps)


@pytest.fixture
def _busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read had to wait for a processor."""

    def waited(meter: cost.Meter) -> cost.Cost:
        return replace(measured(meter), waited=0.2)

    measured = cost.Meter.cost
    monkeypatch.setattr(cost.Meter, "cost", waited)


@pytest.mark.usefixtures("_busy")
@pytest.mark.parametrize(("tab", "news"), [("files", "fresh"), ("layers", "9 changes")])
def test_what_was_read_on_a_busy_machine_is_read_again(tab: str, news: str, stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        write(Path(str(stack.layers[0].path)), "fresh", "new")
        await app.until(lambda: app.look(fake.snapshot()) or "fresh" in app.text)
        await app.until(lambda: app.look(fake.snapshot()) or news in app.text)

    drive(stack, tab, steps)


def test_files_follow_what_the_container_does(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        whiteout(Path(str(stack.layers[0].path)), "srv")
        await app.until(lambda: app.look(fake.snapshot()) or "srv" not in app.text)

    drive(stack, "files", steps)


def test_a_directory_whose_reading_fails_says_so_and_is_read_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = tree_jobs.read_first

    def fail(tree: MergedTree, path: str, layer: int | None) -> Listing | None:
        if path == "/etc":
            raise ValueError("nobody thought\x1b[2J of this")
        return read(tree, path, layer)

    monkeypatch.setattr(tree_jobs, "read_first", fail)

    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        app.table.move_cursor_to("/etc")
        await app.press("right")
        await app.sees("ValueError: nobody thought\\x1b[2J of this")
        monkeypatch.setattr(tree_jobs, "read_first", read)
        await app.press("ctrl+r")
        await app.sees("app.conf")

    drive(stack, "files", steps)


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("changes", "its writable layer was not found"),
        ("files", "its layers were not found"),
        ("layers", "not found: /nowhere"),
    ],
)
def test_layers_that_are_not_found_are_not_taken_for_empty(
    stack: Stack, tab: str, words: str
) -> None:
    lost = [replace(one, path=None, shown_as="/nowhere") for one in stack.layers]

    async def steps(app: Explored) -> None:
        await app.sees(words)
        assert "nothing has been" not in app.text
        assert "4 Changes 0" not in app.text
        await app.press("C")
        assert app.said == ["its writable layer (/nowhere) was not found"]

    drive(replace(stack, layers=tuple(lost)), tab, steps)


def test_a_root_without_layers_has_no_changes_to_tell(stack: Stack) -> None:
    alone = replace(stack, layers=stack.layers[-1:])

    async def changes(app: Explored) -> None:
        await app.sees("its root is one directory: there are no layers below")

    async def files(app: Explored) -> None:
        await app.sees("▸ etc")
        assert app.line("▸ etc").startswith("    drwx")

    drive(alone, "changes", changes)
    drive(alone, "files", files)


def test_changes_that_cannot_be_found_out_are_not_looked_for_at_every_look(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail(tree: MergedTree) -> tree_jobs.Changes:
        tried.append(tree)
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(tree_jobs, "read_changes", fail)

    async def steps(app: Explored) -> None:
        await app.sees("ValueError: nobody thought of this")
        for _ in range(3):
            app.look(fake.snapshot())
            await app.until(lambda: app.first._explorer._walks.idle)
        assert len(tried) == 1

    drive(stack, "changes", steps)


def test_viewing_a_link_follows_it_inside_the_root(tmp_path: Path) -> None:
    layers = make_layers(tmp_path / "layers")
    (tmp_path / "secret").write_text("of the host\n")
    (layers[0] / "inside").symlink_to("/etc/passwd")
    (layers[0] / "outside").symlink_to(tmp_path / "secret")
    os.mkfifo(layers[0] / "pipe")

    async def steps(app: Explored) -> None:
        await app.sees("inside")
        app.table.move_cursor_to("/inside")
        await app.press("v")
        await app.until(lambda: isinstance(app.screen, TextScreen))
        assert "root::0:0" in app.text
        await app.press("escape")
        app.table.move_cursor_to("/outside")
        await app.press("v")
        await app.until(lambda: app.said)
        assert "no such file" in app.said[0]
        app.table.move_cursor_to("/pipe")
        await app.press("v")
        await app.until(lambda: app.said[1:])

    drive(stack_of(layers), "files", steps)


def test_blame_tells_each_layers_part(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("old.conf")
        app.table.move_cursor_to("/etc/old.conf")
        await app.press("b")
        await app.until(lambda: isinstance(app.screen, TableScreen))
        assert "whites out (by /etc/old.conf)" in app.line(" 0  writable")
        assert "absent" in app.line(" 2  image")
        assert re.search(r"shadowed .* 117K", app.line(" 3  image"))

    drive(stack, "changes", steps)


def test_extract_asks_where_to_and_never_overwrites(stack: Stack, tmp_path: Path) -> None:
    target = tmp_path / "taken"

    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        app.table.move_cursor_to("/etc")
        for count in (1, 2, 3):
            await app.press("E")
            app.screen.focused.value = str(target)
            await app.press("enter")
            await app.until(lambda count=count: len(app.said) == count)
        assert app.said[1] == f"/etc is in {target}/etc"
        assert app.said[2] == f"/etc was not extracted: {target}/etc exists"

    drive(stack, "files", steps)
    assert (target / "app.conf").read_text() == "listen\t80\n" * 5
    names = ["app.conf", "etc", "hosts", "passwd"]
    assert sorted(path.name for path in target.iterdir()) == names
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".nsview")] == []


def test_extract_says_what_is_in_the_way(stack: Stack, tmp_path: Path) -> None:
    target = tmp_path / "taken"
    target.write_text("mine")

    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        app.table.move_cursor_to("/etc")
        await app.press("E")
        app.screen.focused.value = str(target)
        await app.press("enter")
        await app.until(lambda: app.said)
        assert "exists" in app.said[0]

    drive(stack, "files", steps)
    assert target.read_text() == "mine"


def test_readonly_extracts_nothing(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        await app.press("E")
        assert not app.screen.has_class("-prompting")
        assert "extract" not in app.lines[-1]

    drive(stack, "files", steps, readonly=True)


def test_a_directory_of_many_files_shows_its_first_and_more_on_the_way_down(
    tmp_path: Path,
) -> None:
    (tmp_path / "upper/many").mkdir(parents=True)
    (tmp_path / "base").mkdir()
    for number in range(5000):
        os.mknod(tmp_path / f"upper/many/{number:05}")

    async def steps(app: Explored) -> None:
        await app.sees("▸ many")
        await app.press("enter")
        await app.sees("00003")
        assert len(app.table.rows) == 1002
        await app.press("end")
        await app.until(lambda: len(app.table.rows) == 4002)
        assert app.table.cursor_key == "/many/01000"
        await app.press("end")
        await app.until(lambda: len(app.table.rows) == 5001)
        await app.press("slash", *"/04999$", "enter")
        assert app.names() == ["/many", "/many/04999"]

    drive(stack_of([tmp_path / "upper", tmp_path / "base"]), "files", steps)


@pytest.mark.parametrize("tab", ["files", "layers"])
def test_the_first_of_very_many_files_are_there_before_all_are_read(
    tab: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "upper/many").mkdir(parents=True)
    (tmp_path / "base").mkdir()
    for number in range(5100):
        os.mknod(tmp_path / f"upper/many/{number:05}")
    go_on = threading.Event()
    read_listing = tree_jobs.read_listing

    def read(tree: MergedTree, path: str, layer: int | None, wanted: Any = None) -> Listing:
        if path == "/many" and wanted is None:
            go_on.wait()
        return read_listing(tree, path, layer, wanted)

    monkeypatch.setattr(tree_jobs, "read_listing", read)

    async def steps(app: Explored) -> None:
        await app.sees("▸ many")
        await app.press(*(["tab"] if tab == "layers" else []), "right")
        try:
            await app.sees("00003")
            assert app.names()[-2:] == ["/many/00999", ("/many", "more")]
            assert app.table.rows[-1].cells[-1].text == "… 4,100 more"
            app.look(fake.snapshot())
            await app.press("end")
            assert app.names()[-1] == ("/many", "more")
        finally:
            go_on.set()
        await app.press("slash", *"/05099$", "enter")
        await app.until(lambda: app.names() == ["/many", "/many/05099"])

    drive(stack_of([tmp_path / "upper", tmp_path / "base"]), tab, steps)


def test_leaving_the_tab_stops_the_walk_and_coming_back_takes_it_up(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, stopped = threading.Event(), threading.Event()

    def walk(layer: Layer, cancelled: Callable[[], bool], progress: Any) -> sizes.LayerSize:
        if stopped.is_set():
            return sizes.LayerSize(1, 42)
        going.set()
        while not cancelled():
            progress(sizes.LayerSize(7, 7 << 20))
        stopped.set()
        raise sizes.Cancelled

    monkeypatch.setattr("nsview.tui.tree_jobs.measure_layer", walk)

    async def steps(app: Explored) -> None:
        await app.sees("~7.0M")
        assert going.is_set()
        await app.press("1")
        await app.until(stopped.is_set)
        await app.press("3")
        await app.sees("42 B")
        assert "~" not in app.text

    drive(stack, "layers", steps)


def test_another_start_has_another_stack(stack: Stack, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write(other / "upper", "elsewhere", "x")
    (other / "base").mkdir()

    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        app.stack = stack_of([other / "upper", other / "base"])
        snapshot = fake.snapshot()
        containers = tuple(
            one._replace(pid=4790, start_time=47900) if one.ref == "docker/web" else one
            for one in snapshot.containers
        )
        app.look(snapshot._replace(containers=containers))
        await app.sees("elsewhere")
        assert "▸ etc" not in app.text

    drive(stack, "files", steps)


def test_what_was_read_of_another_stack_is_not_shown(stack: Stack) -> None:
    async def steps(app: Explored) -> None:
        await app.sees("▸ etc")
        tree = app.screen.query_one(FileTree)
        tree._listed((app.first._explorer.generation - 1, None, "/", Listing()))
        assert "/etc" in app.names()

    drive(stack, "files", steps)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("tab", ["layers", "changes", "files"])
def test_hostile_names_and_contents_are_shown_and_never_obeyed(
    tab: str, size: tuple[int, int], tmp_path: Path
) -> None:
    stack = stack_of(make_layers(tmp_path, hostile=True))

    def check(app: Explored) -> None:
        assert app.text.replace("\n", "").isprintable()

    async def steps(app: Explored) -> None:
        await app.until(lambda: app.screen.query(FileTree) or app.screen.query(ChangeList))
        if tab == "layers":
            await app.press("tab")
        await app.until(lambda: "/etc" in app.names())
        app.table.move_cursor_to("/etc")
        if tab != "changes":
            await app.press("enter")
        await app.until(lambda: f"/etc/{HOSTILE_FILE}" in app.names())
        app.table.move_cursor_to(f"/etc/{HOSTILE_FILE}")
        await app.sees("\\x1b]0;owned\\x07[red]")
        check(app)
        for key in ("v", "b", "y"):
            page = app.screen
            await app.press(key)
            await app.until(lambda page=page: app.screen is not page)
            check(app)
            if key == "v":
                await app.sees("\\x1b]0;owned\\x07[/nope]       x \\x9b2J", "\\xff\\xfe end")
            await app.press("escape")
        await app.press("E")
        check(app)
        await app.press("escape")

    drive(stack, tab, steps, size)


@pytest.fixture
def _fixed_places(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid():
        pytest.skip("needs root: the stored screens show 0:0 as owner")
    home = property(lambda layer: f"/var/lib/docker/overlay2/{layer.index:064x}/diff")
    monkeypatch.setattr(Layer, "directory", home)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ["layers", "layers-merged", "layers-files", "changes", "files"])
@pytest.mark.usefixtures("_fixed_places")
def test_grid(name: str, size: tuple[int, int], stack: Stack) -> None:
    tab, _, how = name.partition("-")

    async def steps(app: Explored) -> None:
        await app.sees("▸ etc" if tab == "files" else "5")
        if tab == "layers":
            await app.until(lambda: len(app.first._explorer.sizes) == len(stack.layers))
        if how == "merged":
            await app.press("a", "tab")
        elif how == "files":
            await app.press("tab")
        if how or tab == "files":
            app.table.move_cursor_to("/etc")
            await app.press("enter")
            await app.sees("app.conf")
        await app.pilot.pause()
        stored = GRIDS / f"{name}-{size[0]}x{size[1]}.txt"
        if os.environ.get("NSVIEW_WRITE_GRIDS"):
            stored.write_text(app.text + "\n")
        assert app.text + "\n" == stored.read_text()

    drive(stack, tab, steps, size)


def test_sizes_that_are_not_known_to_the_end_say_so() -> None:
    assert not Size(bytes=5).done
    assert Size(problem="gone").done


@pytest.mark.parametrize("layer", [None, 0, 2, 3])
def test_a_large_directory_read_in_parts_is_the_same(
    stack: Stack, layer: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MergedTree(stack) as tree:
        reading = Reading(tree, lambda _: None, lambda _: None)
        for path in ("/", "/etc", "/var/cache", "/nowhere"):
            whole = tree_jobs.read_all(reading, path, layer)
            assert whole == tree_jobs.read_listing(tree, path, layer)
            monkeypatch.setattr(tree_jobs, "_MANY", 1)
            assert tree_jobs.read_all(reading, path, layer) == whole
            first = tree_jobs.read_first(tree, path, layer)
            assert first is None or first.entries == whole.entries[: len(first.entries)]
            monkeypatch.undo()


def test_nobody_reads_on_what_nobody_waits_for(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_jobs, "_MANY", 1)
    with MergedTree(stack) as tree:
        reading = Reading(tree, lambda _: None, lambda _: None)
        reading.stop()
        with pytest.raises(sizes.Cancelled):
            tree_jobs.read_all(reading, "/", None)
