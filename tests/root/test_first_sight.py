"""A container is on the screen when it starts, and gone from it when it ends, between two looks."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

import pytest
from support.processes import sandbox
from tui.terminal import on_terminal

from nsview.errors import NsviewError
from nsview.kernel.process_events import ProcessEvents

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")


def test_process_events_bring_the_next_look_forward(tmp_path: Path) -> None:
    try:
        ProcessEvents().close()
    except NsviewError as error:
        pytest.skip(error.message)
    name = f"0{secrets.token_hex(5)}"  # before all others in the table
    program = shutil.copy("/bin/sleep", tmp_path / name)
    # It would look again in an hour.
    with on_terminal("nsview", "--interval", "3600", "--readonly") as terminal:
        terminal.until(lambda seen: b"host" in seen and b"PROCS" in seen)
        with sandbox("--mount", "--pid", "--net", command=(str(program), "infinity")):
            terminal.until(lambda seen: name.encode() in seen)
        terminal.type(f"/{name}\r".encode())
        terminal.until(lambda seen: b"nothing fits" in seen)
