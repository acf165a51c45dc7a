"""How a command starts and ends: Ctrl-C while nsview is being loaded, output nobody takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nsview

_STARTS = pytest.mark.parametrize(
    "start", [("-m", "nsview"), ("-c", "import nsview.__main__ as it, sys; sys.exit(it.run())")]
)


@_STARTS
def test_an_interrupt_while_loading_is_no_traceback(tmp_path: Path, start: tuple[str, ...]) -> None:
    # It comes while a module of the command line is imported, always.
    (tmp_path / "struct.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, *start, "ls"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@_STARTS
def test_all_that_was_printed_arrives(start: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, *start, "pid", str(os.getpid()), "--json"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout[:1], done.stdout[-2:]) == (0, b"{", b"}\n")


@_STARTS
def test_a_full_disk_is_a_failure_and_no_traceback(start: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, *start, "pid", str(os.getpid())],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    *notes, last = done.stderr.decode().splitlines()
    assert last == "nsview: error: cannot write to stdout: No space left on device"
    assert all(note.startswith("nsview: partial: ") for note in notes)


_WITH_A_HELPER = """
import os, sys, types
import nsview.__main__ as it

def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return len(file.read().split())

def main():
    print(children(), *{*sys.modules} & {"argparse", "re", "typing"})
    raise SystemExit(2)

sys.modules["nsview.cli.main"] = types.SimpleNamespace(main=main)
try:
    it.run()
except SystemExit:
    print(children())
"""


@pytest.mark.parametrize(
    ("words", "started"),
    [
        (["enter", "web"], 1),
        (["run", "--bogus"], 1),
        (["enter", "--help"], 0),
        (["ls"], 0),
        ([], 0),
    ],
)
def test_a_helper_starts_before_all_else_and_ends_where_nobody_needs_it(
    words: list[str], started: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", _WITH_A_HELPER, *words],
        env=os.environ | {"PYTHONPATH": str(Path(nsview.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str(started), "0"]
