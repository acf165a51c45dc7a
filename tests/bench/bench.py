"""How fast nsview is here and now: ``sudo python tests/bench/bench.py``.

Prints a table of medians with the figure that each is to keep to. It never fails by time: hosts
differ, and the ratios, measured in one run, say more than the seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator

from sleepers import sleepers

NSVIEW = (sys.executable, "-m", "nsview")
LSNS = ("lsns", "--json")
_ROUNDS = 7
_IDLE_SECONDS = 12
_SETTLE_SECONDS = 4
_SIZE = (50, 160)
#: In the table's title line, so it is there only once the table has been painted.
_FIRST_FRAME = b"PROCS"
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def report(what: str, figure: str, target: str = "") -> None:
    """One line of the table."""
    print(f"{what:<52} {figure:>14}   {target}", flush=True)


def milliseconds(command: tuple[str, ...]) -> float:
    """Wall time of a command, its output thrown away."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - began) * 1000


def medians(*commands: tuple[str, ...], rounds: int = _ROUNDS) -> list[float]:
    """Median of each, run in turns so that all see the same neighbours; the first one warms up."""
    turns = [[milliseconds(command) for command in commands] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*turns, strict=True)]


class Tui:
    """nsview on a terminal of its own."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execve(sys.executable, list(NSVIEW), environment)
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

    def first_frame(self) -> float:
        """Milliseconds from fork to the painted table; not a number if it never came."""
        seen = self.read_for(30, lambda text: _FIRST_FRAME in text)
        if _FIRST_FRAME not in seen:
            return float("nan")
        return (time.perf_counter() - self.began) * 1000

    def cpu_seconds(self) -> float:
        """User and system time so far (proc_pid_stat(5), fields 14 and 15)."""
        fields = _stat(self.pid)
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mb(self) -> float:
        """Resident memory in MB (10^6 bytes)."""
        return int(_stat(self.pid)[21]) * _PAGE / 1e6

    def end(self) -> None:
        """Kill it and give the terminal back."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def _stat(pid: int) -> list[str]:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


@contextlib.contextmanager
def tui() -> Iterator[Tui]:
    """A running nsview, ended with the block."""
    one = Tui()
    try:
        yield one
    finally:
        one.end()


def first_frame() -> float:
    """Median time to the first frame."""
    frames = []
    for _ in range(_ROUNDS):
        with tui() as one:
            frames.append(one.first_frame())
    return statistics.median(frames)


def idle(label: str, target: str) -> None:
    """CPU and memory of the UI that nobody touches, at its own refresh."""
    with tui() as one:
        one.first_frame()
        one.read_for(_SETTLE_SECONDS)
        cpu, began = one.cpu_seconds(), time.perf_counter()
        painted = one.read_for(_IDLE_SECONDS)
        share = (one.cpu_seconds() - cpu) / (time.perf_counter() - began) * 100
        report(f"idle UI, {label}: CPU", f"{share:.1f} %", target)
        report(f"idle UI, {label}: resident", f"{one.resident_mb():.0f} MB", "at most 100 MB")
        report(f"idle UI, {label}: painted", f"{len(painted) / _IDLE_SECONDS:.0f} B/s")


def idle_host() -> None:
    """What a start costs."""
    plain, ls, version = medians((sys.executable, "-c", "pass"), (*NSVIEW, "ls", "--json"), LSNS)
    report("python -c pass", f"{plain:.0f} ms")
    report("nsview ls --json, cold", f"{ls:.0f} ms", "at most 150 ms on an idle host")
    report("lsns --json", f"{version:.0f} ms")
    report("first frame of the UI", f"{first_frame():.0f} ms", "at most 400 ms")


def busy_host(processes: int, sandboxes: int, target: str, rounds: int) -> None:
    """The same with many processes, against lsns."""
    began = time.perf_counter()
    with sleepers(processes, sandboxes):
        label = f"{processes} processes in {sandboxes} sandboxes"
        report(f"({label} started)", f"{time.perf_counter() - began:.1f} s")
        ours, theirs, ls = medians(
            (*NSVIEW, "ns", "--json"), LSNS, (*NSVIEW, "ls", "--json"), rounds=rounds
        )
        report(f"nsview ns --json, {processes}", f"{ours:.0f} ms")
        report(f"lsns --json, {processes}", f"{theirs:.0f} ms")
        report(f"nsview ns : lsns, {processes}", f"{ours / theirs:.2f}", "at most 0.33 with 5000")
        report(f"nsview ls --json, {processes}", f"{ls:.0f} ms")
        report(f"first frame of the UI, {processes}", f"{first_frame():.0f} ms")
        idle(f"{processes}", target)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without the 5,000 processes")
    arguments = parser.parse_args()
    if os.geteuid() or not shutil.which("busybox"):
        sys.exit("needs root and busybox")
    load = os.getloadavg()[0]
    report("load average, CPUs", f"{load:.1f}, {os.cpu_count()}", "measured alone? then below 0.5")
    idle_host()
    idle("this host", "at most 3 % with 500")
    busy_host(500, 20, "at most 3 %", _ROUNDS)
    if not arguments.quick:
        busy_host(5000, 200, "at most 12 %", 3)


if __name__ == "__main__":
    main()
