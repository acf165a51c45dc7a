"""The page of a container: a breadcrumb line, tabs, and one tab's content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher

from nsview.host.model import Container, Snapshot
from nsview.kernel.procfs import Procfs
from nsview.tui.container_actions import ContainerActions
from nsview.tui.explorer import Explorer
from nsview.tui.explorer_view import ExplorerView
from nsview.tui.page import Page
from nsview.tui.place import Place, container_place
from nsview.tui.rows.pages import clock_time
from nsview.tui.tab_bar import TabBar
from nsview.tui.tabs.changes import ChangesTab
from nsview.tui.tabs.files import FilesTab
from nsview.tui.tabs.layers import LayersTab
from nsview.tui.tabs.limits import LimitsTab
from nsview.tui.tabs.mounts import MountsTab
from nsview.tui.tabs.namespaces import NamespacesTab
from nsview.tui.tabs.net import NetTab
from nsview.tui.tabs.processes import ProcessesTab
from nsview.tui.tabs.summary import SummaryTab
from nsview.tui.view import View
from nsview.tui.view_page import ViewPage
from nsview.tui.window import is_closed

#: The tabs in their order; their numbers follow from it. Each is made for a ref and its layers.
TABS: tuple[tuple[str, Callable[[str, Explorer], View]], ...] = (
    ("Summary", lambda ref, _: SummaryTab(ref)),
    ("Processes", lambda ref, _: ProcessesTab(ref)),
    ("Layers", lambda _, explorer: LayersTab(explorer)),
    ("Changes", lambda _, explorer: ChangesTab(explorer)),
    ("Files", lambda _, explorer: FilesTab(explorer)),
    ("Mounts", lambda ref, _: MountsTab(ref)),
    ("Namespaces", lambda ref, _: NamespacesTab(ref)),
    ("Net", lambda ref, _: NetTab(ref)),
    ("Limits", lambda ref, _: LimitsTab(ref)),
)


class ContainerScreen(ViewPage, ContainerActions):
    """One container by `ref`. Only the active tab follows the host and has things read."""

    CSS_PATH: ClassVar[list[Path]] = [  # type: ignore[assignment]  # one path or several
        Page.CSS_PATH,
        Path(__file__).with_suffix(".tcss"),
    ]

    # By priority: keys that are typed in one go ("2/web") reach the tab that they are meant for.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "next_tab(-1)", "tabs", key_display="[ ]", priority=True,
                id="tabs.previous"),
        Binding("right_square_bracket", "next_tab(1)", show=False, priority=True, id="tabs.next"),
        *(
            Binding(str(number), f"tab({number - 1})", name, show=False, priority=True)
            for number, (name, _) in enumerate(TABS, start=1)
        ),
    ]  # fmt: skip

    def __init__(
        self, ref: str, tab: str = "summary", process: tuple[int, int] | None = None
    ) -> None:
        self._ref = ref
        self._index = next(i for i, (name, _) in enumerate(TABS) if name.lower() == tab)
        self._explorer = Explorer(ref)
        self._views = [make(ref, self._explorer) for _, make in TABS]
        super().__init__(self._views[self._index])
        for index, view in enumerate(self._views):
            view.id = f"tab-{index}"
        if process is not None and isinstance(self.view, ProcessesTab):
            self.view.put_cursor_on(process)
        self._last: Container | None = None
        self._started: int | None = None
        self._remark = ""
        self._ahead: Any = None

    def compose_view(self) -> ComposeResult:
        """The bar, and the active tab below it: the others are built when they are first shown."""
        self._read_ahead()
        yield TabBar([name for name, _ in TABS])
        with ContentSwitcher(initial=self.view.id):
            yield self.view

    def _read_ahead(self) -> None:
        """The stack is read while the page is built: the first thing that is seen of it has it."""
        app, explorer = self.nsview, self._explorer
        if not isinstance(self.view, ExplorerView) or app.snapshot is None:
            return
        if (job := explorer.job(app.source, app.snapshot)) is None:
            return

        def read(procfs: Procfs, snapshot: Snapshot) -> Any:
            # The app hears of nothing before the page is painted (textual 8.2).
            self._ahead = job(procfs, snapshot)
            return self._ahead

        app.scanner.submit(read, app.snapshot, partial(explorer.take, post=app.post_message))

    def on_mount(self) -> None:
        """Show which tab is active."""
        if is_closed(self):
            return
        if self._ahead is not None:
            self._explorer.take(self._ahead, self.app.post_message)
        super().on_mount()
        self._explorer.watch(self._show_counts)
        self.query_one(TabBar).active = self._index

    def on_unmount(self) -> None:
        """Nobody reads layers for this page any more."""
        self._explorer.close()

    def _show_counts(self) -> None:
        changes = self._explorer.changes
        if changes is not None and changes.problem is None:
            self.query_one(TabBar).show_note("Changes", f"{len(changes.changes):,}")

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Say when the container is gone, or is another one under the same name."""
        one = snapshot.container(self._ref)
        self._remark = self._compare(snapshot, one)
        if one is not None:
            self._last = one
        super().show_snapshot(snapshot)

    def _compare(self, snapshot: Snapshot, now: Container | None) -> str:
        if now is None or (now.status == "stopped" and self._last and self._last.pid):
            return self._remark if "gone" in self._remark else self._gone(snapshot)
        before = self._last
        if before and (before.pid, before.start_time) != (now.pid, now.start_time):
            return f"restarted at {clock_time(now.started or snapshot.taken)}"
        return "" if "gone" in self._remark else self._remark

    def _gone(self, snapshot: Snapshot) -> str:
        name = self._last.name if self._last else self._ref
        return f"{name} is gone since {clock_time(snapshot.taken)}"

    def crumbs(self) -> Sequence[str]:
        """Its name and the tab's."""
        name = self._last.name if self._last else self._ref
        return name, TABS[self._index][0]

    def remark(self) -> str:
        """What has become of it, else what it is: engine, image, layers."""
        what = _description(self._last) if self._last else ""
        return self._remark or self.view.remark or what

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While somebody types, a digit is a digit."""
        if action in ("tab", "next_tab") and self.has_class("-prompting"):
            return False
        return super().check_action(action, parameters)

    @property
    def steps_inside(self) -> bool:
        """Into this container, or beside the process under the cursor."""
        return True

    @property
    def container(self) -> Container | None:
        """This one, if it is there."""
        return self.snapshot.container(self._ref) if self.snapshot is not None else None

    def place(self) -> Place | None:
        """Beside the process under the cursor, else beside the container's first."""
        if self.snapshot is None or (here := self.view.place()) is not None:
            return here
        one = self.nsview.find_container(self._ref)
        return container_place(self.snapshot, one)

    @property
    def alarming(self) -> bool:
        """It is gone, or was restarted."""
        return bool(self._remark)

    @on(TabBar.Chosen)
    async def _chosen(self, event: TabBar.Chosen) -> None:
        await self.action_tab(event.index)

    async def action_next_tab(self, step: int) -> None:
        """To the neighbour; around the ends."""
        await self.action_tab((self._index + step) % len(TABS))

    async def action_tab(self, index: int) -> None:
        """Show a tab; it gets the snapshot that is there, so it is never blank."""
        if index == self._index or not self.is_mounted:  # a key may come before the page is made
            return
        view, switcher = self._views[index], self.query_one(ContentSwitcher)
        if not view.is_attached:  # a snapshot that comes meanwhile goes to the tab that is there
            await switcher.add_content(view)
        self.view.leave()
        self._index, self.view = index, view
        self.HELP = view.HELP  # type: ignore[misc]  # of the tab that is shown
        switcher.current = view.id
        self.query_one(TabBar).active = index
        self.refresh_view()
        self.refresh_frame()
        self.ask()
        self.view.focus_content()


def _description(one: Container) -> str:
    pieces = [one.engine]
    if one.image:
        pieces.append(one.image)
    if one.rootfs:
        layers = f", {one.rootfs.layers} layers" if one.rootfs.layers > 1 else ""
        pieces.append(one.rootfs.type + layers)
    return " · ".join(pieces)
