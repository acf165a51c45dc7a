"""Every view as a grid of text, at a small and a large size.

After a change that is meant: ``NSVIEW_WRITE_GRIDS=1 pytest tests/tui/test_page_grids.py``, and
look at the difference in git.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tui import fake_details as fake
from tui import fake_wiring
from tui.page_app import PageApp

from nsview.host.mounts import arrange_mounts
from nsview.host.process_users import NamesInside, ProcessUsers
from nsview.host.task_gauge import Used
from nsview.kernel.idmap import IdRange
from nsview.kernel.mountinfo import parse_mountinfo
from nsview.tui.container import ContainerScreen
from nsview.tui.cost import Cost
from nsview.tui.ns import namespace_list_page
from nsview.tui.object_page import mount_page, namespace_page, process_page
from nsview.tui.page import Page
from nsview.tui.pid_view import pid_page
from nsview.tui.process_figures import Figures, ProcessReading
from nsview.tui.ps import process_list_page
from nsview.tui.wiring import wiring_page
from nsview.tui.xray import xray_page

GRIDS = Path(__file__).parent / "grids"
SIZES = ((80, 24), (160, 45))

MOUNTS = arrange_mounts(
    parse_mountinfo(
        b"20 1 0:30 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b,upperdir=/u\n"
        b"21 20 0:31 / /proc rw,nosuid,nodev,noexec - proc proc rw\n"
        b"22 21 0:31 /sys /proc/sys ro - proc proc rw\n"
        b"23 20 8:1 /srv/data /data rw shared:7 master:3 - ext4 /dev/sda1 rw\n"
        b"24 21 0:33 / /proc rw - tmpfs tmpfs rw\n"
    )
)
NAMESPACES = fake.namespaces()
USERS = ProcessUsers(
    maps={fake.WORKER[5]: (IdRange(0, 100000, 65536),)},
    outside={0: "root"},
    inside={"docker/web": NamesInside((4711, 47110), {0: "root", 101: "nginx"})},
)
FIGURES = Figures(
    {(5200, 52000): Used(12.5, 84 << 20), (5210, 52100): Used(0.0, 3 << 20), (1, 10): Used()}
)
ANSWERS: dict[str, Any] = {
    "ProcessView": ProcessReading(USERS, FIGURES),
    "NamespaceView": NAMESPACES,
    "XrayView": NAMESPACES,
    "MountsTab": MOUNTS,
    "NetTab": fake_wiring.web_reading(),
    "WiringView": (fake_wiring.wiring(), Cost()),
    "NamespaceObject": (fake.snapshot(), next(o for o in NAMESPACES if o.ino == fake.WEB[1])),
}

PAGES: dict[str, Callable[[], Page]] = {
    "summary": lambda: ContainerScreen("docker/web"),
    "processes": lambda: ContainerScreen("docker/dind", "processes"),
    "mounts": lambda: ContainerScreen("docker/web", "mounts"),
    "namespaces": lambda: ContainerScreen("docker/web", "namespaces"),
    "net": lambda: ContainerScreen("docker/web", "net"),
    "wiring": wiring_page,
    "ps": process_list_page,
    "ns": namespace_list_page,
    "pid": lambda: pid_page(1),
    "xray": xray_page,
    "process": lambda: process_page((5210, 52100)),
    "namespace": lambda: namespace_page(next(o for o in NAMESPACES if o.ino == fake.WEB[1])),
    "mount": lambda: mount_page(MOUNTS[0]),
}


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def answer(job: Any, _snapshot: Any) -> Any:
    return ANSWERS.get(job.__qualname__.partition(".")[0])


async def grid_of(page: Page, size: tuple[int, int]) -> str:
    app = PageApp(page, fake.snapshot(), answer)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        return app.text + "\n"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PAGES)
def test_grid(name: str, size: tuple[int, int]) -> None:
    stored = GRIDS / f"{name}-{size[0]}x{size[1]}.txt"
    grid = asyncio.run(grid_of(PAGES[name](), size))
    if os.environ.get("NSVIEW_WRITE_GRIDS"):
        GRIDS.mkdir(exist_ok=True)
        stored.write_text(grid)

    assert grid == stored.read_text()
