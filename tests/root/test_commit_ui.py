"""Images made from the UI, with nothing between its keys and the container's layers."""

from __future__ import annotations

import contextlib
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command import nsview
from support.processes import children
from support.sandboxes import make_root, nothing_left, sandboxes
from tui.driving import Driver, drive
from tui.patience import ui_has_time  # noqa: F401 - for all tests of this file

from nsview.host.host import Host
from nsview.tui.commit_form import CommitForm

_CHANGES = "echo new >/new; rm /file; sleep 1000"


async def wait(driver: Driver, condition: Callable[[], object]) -> None:
    """As long as a loaded machine may take to start an interpreter."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, driver.text
        await driver.pilot.pause(0.05)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    """One that has added a file and deleted another one."""
    known, root = sandboxes(), make_root(tmp_path / "root")
    words = ("--rootfs", str(root), "-d", "--json", "--", "sh", "-c", _CHANGES)
    made = nsview("run", *words).json
    try:
        yield made["ref"]
    finally:
        nsview("rm", "--force", made["id"])
        nothing_left(known, root)


async def open_form(driver: Driver, ref: str, target: Path) -> None:
    driver.app.open_ref(ref, "changes")
    await wait(driver, lambda: "file" in driver.text and "new" in driver.text)
    await driver.press("C")
    driver.app.screen.query_one("#output").value = str(target)
    await driver.pilot.pause()


def test_an_image_and_the_changes_alone(sandbox: str, tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        for name, keys in (("image.tar", ("down", *"web:1")), ("changes.tar", ("up", "left"))):
            await open_form(driver, sandbox, tmp_path / name)
            await driver.press(*keys, "enter")
            await wait(driver, lambda: not isinstance(driver.app.screen, CommitForm))
            assert (tmp_path / name).exists()
        assert f"{tmp_path}/image.tar: web:1, " in driver.said[0]

    drive(script, Host(), size=(200, 50))
    with tarfile.open(tmp_path / "image.tar") as image:
        assert "manifest.json" in image.getnames()
    with tarfile.open(tmp_path / "changes.tar") as changes:
        assert {"new", ".wh.file"} <= set(changes.getnames())


def test_what_is_stopped_leaves_nothing(sandbox: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    big = tmp_path / "root" / "zero"
    with big.open("wb") as file:
        file.truncate(1 << 32)

    async def script(driver: Driver) -> None:
        await open_form(driver, sandbox, out / "image.tar")
        await driver.press("enter")
        await wait(driver, lambda: "layer 1 of 2" in driver.text)
        await driver.press("escape")
        await wait(driver, lambda: "stopped." in driver.text)

    drive(script, Host(), size=(200, 50))
    assert os.listdir(out) == []
    assert not list(_commits())


def _commits() -> Iterator[int]:
    for pid in children(os.getpid()):
        with contextlib.suppress(OSError):  # it is ending
            if b"commit" in Path(f"/proc/{pid}/cmdline").read_bytes():
                yield pid
