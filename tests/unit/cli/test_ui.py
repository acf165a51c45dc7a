"""Whether and how the terminal UI is opened; the UI itself has tests of its own."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nsview
from nsview.cli import ui
from nsview.cli.arguments import Arguments
from nsview.tui.app import NsviewApp
from nsview.tui.garbage import Garbage
from nsview.tui.turns import Turns

_PARENT = str(Path(nsview.__file__).resolve().parents[1])


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have replaced this process."""
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execvp", lambda _, command: commands.append(command))
    monkeypatch.setattr(sys, "path", ["", _PARENT])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return commands


@pytest.mark.parametrize("answer", ["\n", "y\n", "YES\n"])
def test_sudo_runs_this_very_nsview_isolated(
    monkeypatch: pytest.MonkeyPatch, executed: list[list[str]], answer: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    ui._offer_sudo(["--readonly", "web"])
    (command,) = executed
    assert command[:2] == ["sudo", "--"]
    assert command[2:] == [sys.executable, "-I", "-B", "-m", "nsview", "--readonly", "web"]


@pytest.mark.parametrize("answer", ["n\n", "no\n", "what?\n", ""])  # the last one is Ctrl-D
def test_no_sudo_without_a_yes(
    monkeypatch: pytest.MonkeyPatch, executed: list[list[str]], answer: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    ui._offer_sudo([])
    assert executed == []


@pytest.mark.parametrize("place", ["sys.path[0]", "PYTHONPATH", "user site"])
def test_no_sudo_where_isolation_would_not_find_us(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    executed: list[list[str]],
    place: str,
) -> None:
    monkeypatch.setattr(sys, "path", [_PARENT] if place == "sys.path[0]" else ["", _PARENT])
    if place == "PYTHONPATH":
        monkeypatch.setenv("PYTHONPATH", f"/nowhere:{_PARENT}")
    if place == "user site":
        monkeypatch.setattr("site.getusersitepackages", lambda: _PARENT)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    ui._offer_sudo([])
    assert executed == []
    assert f"lies in {_PARENT}" in capsys.readouterr().err


def test_sudo_that_is_not_there_is_no_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], executed: list[list[str]]
) -> None:
    monkeypatch.setattr(os, "execvp", _not_found)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    ui._offer_sudo([])
    assert "going on without root" in capsys.readouterr().err


def _not_found(*_: object) -> None:
    raise FileNotFoundError(2, "No such file or directory")


@pytest.mark.parametrize("words", [[], ["web"], ["--readonly"]])
def test_without_a_terminal_it_says_what_to_do(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nsview", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "nsview: error: the terminal UI needs a terminal",
        "nsview: hint: nsview ls, nsview ps, ... print plain text",
    ]


def test_the_scanner_says_when_garbage_is_looked_for_and_its_thread_waits_for_the_ui(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the program alone: whoever uses the app as a library keeps the interpreter's ways."""
    terminal = type("Terminal", (io.StringIO,), {"isatty": lambda _: True})
    monkeypatch.setattr(sys, "stdin", terminal())
    monkeypatch.setattr(sys, "stderr", terminal())
    opened: list[tuple[Garbage | None, asyncio.AbstractEventLoop]] = []

    async def run(app: NsviewApp) -> None:
        opened.append((app.scanner.garbage, asyncio.get_running_loop()))

    monkeypatch.setattr(NsviewApp, "run_async", run)
    threshold, turn = gc.get_threshold(), sys.getswitchinterval()
    try:
        ui.open_ui(
            Arguments(
                no_sudo=True, census="proc", ref=None, readonly=True, interval=2.0, theme=None
            ),
            [],
        )
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
        sys.setswitchinterval(turn)
    ((garbage, loop),) = opened
    assert isinstance(garbage, Garbage)
    assert isinstance(loop, Turns)
    assert loop.is_closed()
