"""Sandboxes made and removed from the UI, with nothing between its keys and the kernel."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.command import nsview
from support.sandboxes import STATE, nothing_left, sandboxes
from tui.driving import Driver, drive
from tui.patience import ui_has_time  # noqa: F401 - for all tests of this file

from nsview.host.host import Host
from nsview.tui.home import HomePage
from nsview.tui.sandbox_form import SandboxForm


async def wait(driver: Driver, condition: Callable[[], object]) -> None:
    """As long as a loaded machine may take to start an interpreter or two."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, driver.text
        await driver.pilot.pause(0.05)


def listed(ref: str) -> dict[str, Any] | None:
    found = nsview("ls", "--all", "--json").json["containers"]
    return next((one for one in found if one["ref"] == ref), None)


def test_made_twinned_and_removed() -> None:
    known = sandboxes()
    name, twin = (f"ui-{secrets.token_hex(4)}" for _ in range(2))

    async def appears(driver: Driver, ref: str) -> None:
        driver.app.scanner.look_now()
        await wait(driver, lambda: driver.app.snapshot.container(ref))
        await driver.pilot.pause()
        driver.app.page.table.move_cursor_to(ref)

    async def remove(driver: Driver, ref: str) -> None:
        driver.app.page.table.move_cursor_to(ref)
        await driver.press("ctrl+x", "down", "enter", "y")
        await wait(driver, lambda: f"{ref} is removed" in driver.said)

    async def script(driver: Driver) -> None:
        await driver.press("n", "down", "down", "down", *name, "enter")
        await wait(driver, lambda: isinstance(driver.app.screen, HomePage))
        found = listed(f"nsview/{name}")
        assert found is not None
        assert (found["status"], found["processes"]) == ("running", 2)
        await appears(driver, f"nsview/{name}")
        await driver.press("T")
        assert isinstance(driver.app.screen, SandboxForm)
        await driver.press(*twin, "enter")
        await wait(driver, lambda: isinstance(driver.app.screen, HomePage))
        await appears(driver, f"nsview/{twin}")
        await remove(driver, f"nsview/{twin}")
        await remove(driver, f"nsview/{name}")
        assert listed(f"nsview/{name}") is None

    try:
        drive(script, Host(), size=(200, 50))
    finally:
        for one in (name, twin):
            nsview("rm", "--force", one)
    assert not sandboxes_named(name, twin) - known


def sandboxes_named(*names: str) -> set[str]:
    found = set()
    for one in sandboxes():
        with contextlib.suppress(FileNotFoundError):
            if (STATE / one / "name").read_text() in names:
                found.add(one)
    return found


def test_a_stopped_launch_leaves_nothing(tmp_path: Path) -> None:
    """Esc, while an image is being unpacked that never comes to an end."""
    known = sandboxes()
    archive = tmp_path / "image.tar"
    os.mkfifo(archive)

    async def script(driver: Driver) -> None:
        await driver.press("n", "right", "right", "right", "down", *str(archive), "enter")
        await wait(driver, lambda: sandboxes() - known)
        await driver.press("escape")
        await wait(driver, lambda: "stopped." in driver.text)
        await driver.press("escape")

    drive(script, Host(), size=(200, 50))
    nothing_left(known)
