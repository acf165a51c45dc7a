"""A program on a real pseudo terminal: every byte that it sends, and what it does when hung up."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE = 20.0
_TESTS = Path(__file__).parents[1]


class Terminal:
    """The far end of the pseudo terminal of one child process."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid = pid
        self.fd = fd
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

    def _drain(self) -> None:
        # A full buffer would keep the child from ending.
        if self.fd < 0:
            time.sleep(0.02)
        elif select.select([self.fd], [], [], 0.02)[0]:
            with suppress(OSError):  # EIO: the child has closed its end
                self.received += os.read(self.fd, 65536)

    def wait(self) -> int:
        """Wait until the child has ended; its wait status."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return status
            self._drain()
        raise AssertionError("it does not end")


@contextmanager
def on_terminal(
    module: str, *arguments: str, size: tuple[int, int] = (120, 40), ignore_hangup: bool = False
) -> Iterator[Terminal]:
    """Run ``python -m module`` on a pseudo terminal; gone at the end, whatever happens."""
    pid, fd = pty.fork()
    if pid == 0:  # the child
        os.chdir(_TESTS)
        if ignore_hangup:  # as nohup(1) does
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(_TESTS),
                       "XDG_CONFIG_HOME": "/nonexistent"}  # fmt: skip
        os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)
    columns, rows = size
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    terminal = Terminal(pid, fd)
    try:
        yield terminal
    finally:
        if terminal.pid:
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)
        if terminal.fd >= 0:
            os.close(terminal.fd)
