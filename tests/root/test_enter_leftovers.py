"""Nothing is left by those who enter, whatever ends them, and whenever."""

from __future__ import annotations

import contextlib
import os
import pty
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, command
from support.processes import descendants, inode, read_line, running, started, wait_until, watched
from support.requirements import need_programs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="joins namespaces")

_TURNS = 200
_AT_ONCE = 4
_PATIENCE = 60
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Two processes, of one group.
_SCRIPT = "sleep infinity; exit"


@pytest.fixture
def box() -> Iterator[int]:
    """A sandbox with a devpts of its own."""
    script = "mount -t devpts -o newinstance,ptmxmode=0666 none /dev/pts && echo ready && exec cat"
    flags = ("--kill-child", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--mount-proc")
    with started("unshare", *flags, "--", "sh", "-c", script) as process:
        assert read_line(process) == "ready"
        yield wait_until(lambda: running(process.pid))


def left(box: int) -> list[str]:
    """Who else is in its pid or its network namespace; zombies wait for its first process."""
    places = {os.readlink(f"/proc/{box}/ns/{kind}") for kind in ("pid", "net")}
    launcher = Path(f"/proc/{box}/stat").read_text().rpartition(")")[2].split()[1]
    known = {str(box), launcher}
    found = []
    for pid in set(filter(str.isdigit, os.listdir("/proc"))) - known:
        with contextlib.suppress(OSError):
            there = {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("pid", "net")}
            words = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            if places & there and words[0] not in (b"Z", b"X"):
                found.append(pid)
    return found


def mounts(box: int) -> set[str]:
    """Its mount table. What others remove from the host goes away in there, too."""
    return set(Path(f"/proc/{box}/mountinfo").read_text().splitlines())


@contextlib.contextmanager
def session(words: list[str], *, terminal: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody who enters, on a terminal or not; gone at the end of the block."""
    fds = pty.openpty() if terminal else ()
    stream = fds[1] if fds else subprocess.DEVNULL
    process = subprocess.Popen(words, stdin=stream, stdout=stream, stderr=stream, env=ENVIRONMENT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for fd in fds:
            os.close(fd)


def end(process: subprocess.Popen[bytes], chance: random.Random, longest: float) -> None:
    """At some moment, by some signal; it must not take long.

    A dash that is just starting its first program loses a SIGINT: people press Ctrl-C again.
    """
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(chance.uniform(0, longest))
    number = chance.choice(_SIGNALS)
    for _ in range(_PATIENCE):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
            return
    raise AssertionError(f"{process.args} goes on after {number!r}")


def kinds(box: int, tools: Path) -> list[tuple[str, ...]]:
    ways: list[tuple[str, ...]] = [
        (), ("--toolbox", "busybox"), ("--toolbox", str(tools)), ("--ns", "net"), ("--json",),
        ("--privileged",), ("--user", "1:1"), ("--no-cgroup",), ("--cwd", "/"),
    ]  # fmt: skip
    return [(str(box), *way, "--", "sh", "-c", _SCRIPT) for way in ways]


@pytest.mark.timeout(900)
def test_after_two_hundred_of_every_kind_killed_at_any_moment(box: int, tmp_path: Path) -> None:
    need_programs("busybox")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "sleep"):
        shutil.copy("/bin/busybox", tools / name)
    chance = random.Random(20)  # so a failure comes again
    ways = kinds(box, tools)
    before = mounts(box)
    began = time.monotonic()
    subprocess.run(command("enter", str(box), "--", "true"), env=ENVIRONMENT, check=True)
    longest = 1.2 * (time.monotonic() - began)
    for first in range(0, _TURNS, _AT_ONCE):
        with contextlib.ExitStack() as stack:
            numbers = range(first, first + _AT_ONCE)
            processes = [
                stack.enter_context(
                    session(command("enter", *ways[at % len(ways)]), terminal=at % 3 == 0)
                )
                for at in numbers
            ]
            for process in processes:
                end(process, chance, longest)
    wait_until(lambda: not left(box))
    assert not mounts(box) - before
    assert str(tools) not in Path("/proc/self/mountinfo").read_text()
    assert os.listdir(f"/proc/{box}/root/dev/pts") == ["ptmx"]


def _chain(process: subprocess.Popen[bytes]) -> list[int] | None:
    """nsview, the joining process, the command, and what the command started."""
    found = descendants(process.pid)
    return found if len(found) == 4 else None


def test_nobody_is_left_when_we_are_killed(box: int) -> None:
    process = subprocess.Popen(
        command("enter", str(box), "--", "sh", "-c", "sleep infinity & echo ready; wait"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    read_line(process)
    chain = wait_until(lambda: _chain(process))
    with watched(chain) as ended:
        _kill(process)
        wait_until(ended)


def test_nobody_is_left_when_we_are_killed_before_we_listen(box: int) -> None:
    """What the joining process has said and nobody has read resets its connection."""
    process = subprocess.Popen(
        command("enter", str(box), "--", "sh", "-c", "sleep infinity & wait"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    # Stopped as soon as there is somebody to tell us of anything: who joins has been told to.
    place = inode(box, "net")
    wait_until(lambda: any(inode(one, "net") == place for one in descendants(process.pid)[1:]))
    process.send_signal(signal.SIGSTOP)
    chain = wait_until(lambda: _chain(process))
    with watched(chain) as ended:
        _kill(process)
        wait_until(ended)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
