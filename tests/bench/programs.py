"""Programs as a user runs them: commands timed from outside, and programs on a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

NSVIEW = (sys.executable, "-m", "nsview")
_SIZE = (50, 160)
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def milliseconds(command: tuple[str, ...]) -> float:
    """Wall time of a command, its output thrown away."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - began) * 1000


def medians(commands: dict[str, tuple[str, ...]], rounds: int) -> dict[str, float]:
    """Median of each, run in turns so that all see the same neighbours; the first turn warms up."""
    turns = [{name: milliseconds(one) for name, one in commands.items()} for _ in range(rounds + 1)]
    return {name: statistics.median(turn[name] for turn in turns[1:]) for name in commands}


class Program:
    """A program on a terminal of its own, for as long as a ``with`` block lasts."""

    def __init__(self, *command: str) -> None:
        self.began = time.perf_counter()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execvpe(command[0], command, environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *_SIZE, 0, 0))

    def read_for(self, seconds: float, stop: Callable[[bytes], bool] | None = None) -> bytes:
        """Take what it paints for so long, or until `stop` likes what has come."""
        seen = b""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            ready, _, _ = select.select([self.terminal], [], [], left)
            if ready:
                try:
                    seen += os.read(self.terminal, 65536)
                except OSError:  # EIO: it ended
                    break
                if stop and stop(seen):
                    break
        return seen

    def milliseconds_until(self, text: bytes, patience: float = 30) -> float:
        """From its start until it has painted that; not a number if it never did."""
        seen = self.read_for(patience, lambda painted: text in painted)
        return (time.perf_counter() - self.began) * 1000 if text in seen else float("nan")

    def cpu_share(self, seconds: float) -> float:
        """Per cent of one CPU that it uses, user and system, while nobody touches it."""
        cpu, began = self._cpu_seconds(), time.perf_counter()
        self.read_for(seconds)
        return (self._cpu_seconds() - cpu) / (time.perf_counter() - began) * 100

    def resident_mb(self) -> float:
        """Resident memory in MB (10^6 bytes)."""
        return int(_stat(self.pid)[21]) * _PAGE / 1e6

    def descriptors(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _cpu_seconds(self) -> float:
        # proc_pid_stat(5), fields 14 and 15
        fields = _stat(self.pid)
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def end(self) -> None:
        """Kill it and give the terminal back."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


@contextlib.contextmanager
def running(*command: str) -> Iterator[Program]:
    """A program on a terminal, ended with the block."""
    one = Program(*command)
    try:
        yield one
    finally:
        one.end()


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
