"""`nsview run` on a terminal: one of the sandbox's own, relayed to ours."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.command import command
from support.sandboxes import nothing_left, sandboxes

_PATIENCE = 60.0


class Terminal:
    """Our end of the terminal that nsview runs on."""

    def __init__(self, near: int, process: subprocess.Popen[bytes], before: list[Any]) -> None:
        self.near = near
        self.process = process
        self.before = before
        """Its modes when nobody had changed them."""
        self.seen = b""

    def expect(self, words: bytes) -> bytes:
        """Read until the words were seen; returns what came before them."""
        deadline = time.monotonic() + _PATIENCE
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.near], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.near, 65536)
                except OSError:
                    break
        before, found, self.seen = self.seen.partition(words)
        assert found, before
        return before

    def type(self, text: bytes) -> None:
        os.write(self.near, text)


@contextmanager
def on_terminal(*words: str) -> Iterator[Terminal]:
    near, far = pty.openpty()
    termios.tcsetwinsize(far, (33, 99))
    before = termios.tcgetattr(far)
    process = subprocess.Popen(command(*words), stdin=far, stdout=far, stderr=far)
    try:
        yield Terminal(near, process, before)
    finally:
        process.kill()
        process.wait()
        os.close(far)
        os.close(near)


def test_a_shell_on_a_terminal_of_its_own(root: Path) -> None:
    with on_terminal("run", "--rootfs", str(root), "--rm") as terminal:
        terminal.type(b"echo s'tart'; tty; busybox stty size; ls /dev/pts; echo e'nd'\n")
        terminal.expect(b"start\r\n")
        found = terminal.expect(b"end\r\n").decode().split()
        assert found == ["/dev/pts/0", "33", "99", "0", "ptmx"]
        # Ctrl-C is for the command, and the shell goes on.
        terminal.type(b"sh -c \"echo g'o'; exec sleep 1000\"\n")
        terminal.expect(b"go\r\n")
        terminal.type(b"\x03")
        terminal.type(b"echo a'live'; exit 7\n")
        terminal.expect(b"alive\r\n")
        assert terminal.process.wait(_PATIENCE) == 7


def test_a_user_owns_its_terminal(root: Path) -> None:
    script = "stat -c '%u %g %a' /dev/pts/0; echo again > /dev/pts/0"
    words = ("run", "--rootfs", str(root), "--rm", "--user", "web", "--", "sh", "-c", script)
    with on_terminal(*words) as terminal:
        terminal.expect(b"1000 5 620\r\n")
        terminal.expect(b"again\r\n")
        assert terminal.process.wait(_PATIENCE) == 0


@pytest.mark.parametrize("how", ["keys", "signal"])
def test_hanging_up_ends_it_and_restores_our_terminal(root: Path, how: str) -> None:
    known = sandboxes()
    with on_terminal("run", "--rootfs", str(root), "--rm", "--", "sh", "-c",
                     "echo s'tart'; exec sleep 1000") as terminal:  # fmt: skip
        terminal.expect(b"start\r\n")
        if how == "keys":
            terminal.type(b"\x1d\x1d\x1d")
        else:
            terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(_PATIENCE) == 128 + signal.SIGHUP
        after = termios.tcgetattr(terminal.near)
        seen = termios.ECHO | termios.ICANON
        assert after[3] & seen == terminal.before[3] & seen
    nothing_left(known, root)
