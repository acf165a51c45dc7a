"""A program on a real pseudo terminal: every byte that it sends, and what it does when hung up."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE = 60.0
_TESTS = Path(__file__).parents[1]


class Terminal:
    """The far end of the pseudo terminal of one child process."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int, near: int) -> None:
        self._process = process
        self.pid = process.pid
        self.fd = fd
        self.near = near
        """The child's end; below 0 where that is the child's alone."""
        self.received = b""

    def until(self, condition: Callable[[bytes], object]) -> None:
        """Read until what was received fulfils a condition."""
        deadline = time.monotonic() + _PATIENCE
        while not condition(self.received):
            assert time.monotonic() < deadline, self.received[-2000:]
            if select.select([self.fd], [], [], 0.1)[0]:
                self.received += os.read(self.fd, 65536)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.fd, keys)

    def _drain(self, seconds: float) -> bool:
        """Read what there is within so many seconds; False when there is nothing."""
        if self.fd < 0:
            time.sleep(seconds)
        elif select.select([self.fd], [], [], seconds)[0]:
            with suppress(OSError):  # EIO: the child has closed its end
                chunk = os.read(self.fd, 65536)
                self.received += chunk
                return bool(chunk)
        return False

    def wait(self) -> int:
        """Wait until the child has ended, and read all that it said; its wait status."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self.pid = 0
                while self._drain(0):
                    pass
                return status
            self._drain(0.02)  # a full buffer would keep it from ending
        raise AssertionError("it does not end")


@contextmanager
def on_terminal(
    module: str,
    *arguments: str,
    size: tuple[int, int] = (120, 40),
    ignore_hangup: bool = False,
    keep_near: bool = False,
) -> Iterator[Terminal]:
    """Run ``python -m module`` on a pseudo terminal; gone at the end, whatever happens.

    `keep_near`: hold its end, too, to look at how it was left.
    """
    fd, near = pty.openpty()
    columns, rows = size
    termios.tcsetwinsize(near, (rows, columns))  # before anybody can ask
    words = [sys.executable, "-m", module, *arguments]
    if ignore_hangup:  # as nohup(1) does
        words = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *words]
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(_TESTS),
                   "XDG_CONFIG_HOME": "/nonexistent"}  # fmt: skip
    # Not pty.fork(): what has threads should not fork, and an earlier test may have left some.
    process = subprocess.Popen(
        ["setsid", "--ctty", *words],
        stdin=near, stdout=near, stderr=near, cwd=_TESTS, env=environment,
    )  # fmt: skip
    if not keep_near:
        os.close(near)
        near = -1
    terminal = Terminal(process, fd, near)
    try:
        yield terminal
    finally:
        if terminal.pid:
            process.kill()
            process.wait()
        if near >= 0:
            os.close(near)
        if terminal.fd >= 0:
            os.close(terminal.fd)
