"""`nsview enter` on a terminal: ours is never the command's, and is as it was at the end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import descendants, read_line, running, started, wait_until
from tui.terminal import Terminal, on_terminal

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="joins namespaces")

_UNSHARE = ("unshare", "--kill-child", "--pid", "--uts", "--mount-proc", "--", "sh", "-c")


@contextlib.contextmanager
def box_with(script: str) -> Iterator[int]:
    """A sandbox in which a script was run first."""
    with started(*_UNSHARE, f"{script} && echo ready && exec cat") as process:
        assert read_line(process) == "ready"
        yield wait_until(lambda: running(process.pid))


@pytest.fixture(scope="module")
def box() -> Iterator[int]:
    """A sandbox with a devpts of its own."""
    with box_with("mount -t devpts -o newinstance,ptmxmode=0666,mode=620 none /dev/pts") as pid:
        yield pid


@contextlib.contextmanager
def entered(box: int, *words: str) -> Iterator[tuple[Terminal, int]]:
    """A session on a terminal; also yields the near end, held open beyond the session."""
    with on_terminal("nsview", "enter", str(box), *words, keep_near=True) as terminal:
        yield terminal, terminal.near


def test_it_is_a_terminal_of_the_container(box: int) -> None:
    with entered(box, "--", "sh", "-c", "tty; ps -o tty= -p $$; stty size; exit 3") as (one, _):
        status = one.wait()
    assert os.waitstatus_to_exitcode(status) == 3
    assert one.received.split() == [b"/dev/pts/0", b"pts/0", b"40", b"120"]


def test_without_a_devpts_it_is_one_of_ours() -> None:
    script = "tty; test -t 0 && test -t 1 && stty size"
    with (
        box_with("mount -t tmpfs none /dev/pts") as pid,
        entered(pid, "--", "sh", "-c", script) as (one, _),
    ):
        one.wait()
    assert one.received.split()[-2:] == [b"40", b"120"]


@pytest.mark.parametrize(
    "trap",
    [
        "mount -t tmpfs none /dev/pts && : >/dev/pts/ptmx",
        "mount -t tmpfs none /dev/pts && ln -s /proc/sysrq-trigger /dev/pts/ptmx",
        "mount -t tmpfs none /dev/pts && mknod /dev/pts/ptmx c 1 3",
        "mount -t devpts -o newinstance none /dev/pts && mount --bind /dev/null /dev/pts/ptmx",
        "mount -t tmpfs none /dev && ln -s /proc /dev/pts",
    ],
)
def test_a_forged_devpts_is_not_used(trap: str) -> None:
    with box_with(trap) as pid, entered(pid, "--", "sh", "-c", "stty size") as (one, _):
        status = one.wait()
    assert (status, one.received.split()) == (0, [b"40", b"120"])


def test_the_size_follows(box: int) -> None:
    script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done"
    with entered(box, "--", "sh", "-c", script) as (one, _):
        one.until(lambda seen: b"ready" in seen)
        termios.tcsetwinsize(one.fd, (33, 77))
        one.wait()
    assert one.received.split() == [b"ready", b"33", b"77"]


def test_keys_and_job_control(box: int) -> None:
    with entered(box, "--", "sh", "-i") as (one, _):
        one.type(b"sleep 1000; echo after-$((40+2))\n")
        one.until(lambda seen: b"sleep 1000" in seen)
        wait_until(lambda: any(_runs(pid, b"sleep\x001000") for pid in descendants(one.pid)))
        one.type(b"\x03")
        one.until(lambda seen: b"after-42" in seen or seen.count(b"# ") > 1)
        one.type(b"exit 6\n")
        status = one.wait()
    assert os.waitstatus_to_exitcode(status) == 6
    assert b"no job control" not in one.received
    assert b"cannot set terminal process group" not in one.received


def _runs(pid: int, words: bytes) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(words)
    except OSError:
        return False


def _gone(pids: list[int]) -> bool:
    # A zombie is the container's to reap: its first process inherits what the command leaves.
    return not any(_state(pid) not in ("Z", "X", "") for pid in pids)


def _state(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def test_ctrl_bracket_three_times_hangs_up(box: int) -> None:
    with entered(box, "--", "sh", "-c", "echo ready; sleep 1000") as (one, near):
        one.until(lambda seen: b"ready" in seen)
        below = descendants(one.pid)[1:]
        assert len(below) >= 2
        one.type(b"\x1d\x1dx\x1d\x1d\x1d")
        status = one.wait()
        assert termios.tcgetattr(near)[3] & termios.ECHO
        wait_until(lambda: _gone(below))
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP


def _until_ready(one: Terminal) -> None:
    one.until(lambda seen: b"ready" in seen)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ended_by_a_signal_it_leaves_the_terminal_as_it_was(box: int, number: int) -> None:
    script = "printf '\\033[?1049h\\033[?2004h\\033[?1000;1006h\\033[?25lready'; sleep 1000"
    with entered(box, "--", "sh", "-c", script) as (one, near):
        _until_ready(one)
        assert not termios.tcgetattr(near)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        below = descendants(one.pid)[1:]
        os.kill(one.pid, number)
        one.wait()
        flags = termios.tcgetattr(near)[3]
        assert flags & termios.ECHO
        assert flags & termios.ICANON
        wait_until(lambda: _gone(below))
    end = one.received.partition(b"ready")[2]
    for undone in (b"?1049l", b"?2004l", b"?1000l", b"?1006l", b"?25h"):
        assert undone in end


def test_killed_on_its_screen_it_leaves_the_terminal_as_it_was(box: int) -> None:
    script = "printf '\\033[?1049h\\033[?1000h\\033[?25lready'; stty raw -echo; kill -9 $$"
    with entered(box, "--", "sh", "-c", script) as (one, near):
        status = one.wait()
        assert termios.tcgetattr(near)[3] & (termios.ECHO | termios.ICANON)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGKILL
    end = one.received.partition(b"ready")[2]
    for undone in (b"?1049l", b"?1000l", b"?25h"):
        assert undone in end


def test_what_we_say_ourselves_are_lines(box: int) -> None:
    with entered(box, "-v", "--", "printf", "end") as (one, near):
        one.wait()
        assert termios.tcgetattr(near)[1] & termios.OPOST
    assert one.received.count(b"\r\nnsview: ") > 5
    assert one.received.count(b"\n") == one.received.count(b"\r\n")


def test_its_descriptors_are_three(box: int) -> None:
    with entered(box, "--", "sh", "-c", "ls /proc/$$/fd; :") as (one, _):
        one.wait()
    assert one.received.split() == [b"0", b"1", b"2"]


@pytest.mark.parametrize(
    ("script", "typed"),
    [
        ("echo ready; exec yes", b""),
        ("stty raw -echo; echo ready; exec sleep 1000", b"x" * 1_000_000),
    ],
    ids=["floods", "never reads"],
)
def test_neither_flood_holds_it(box: int, script: str, typed: bytes) -> None:
    with entered(box, "--", "sh", "-c", script) as (one, _):
        _until_ready(one)
        os.set_blocking(one.fd, False)
        at = 0
        while at < len(typed):
            _, writable, _ = select.select([], [one.fd], [], 20)
            assert writable, "typed text is neither taken nor dropped"
            with contextlib.suppress(BlockingIOError):
                at += os.write(one.fd, typed[at : at + 4096])
        peak = _peak(one.pid)
        os.set_blocking(one.fd, True)
        one.type(b"\x1d\x1d\x1d")
        one.wait()
    assert peak < 100 * 1024


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_nothing_can_be_pushed_into_our_terminal(box: int) -> None:
    push = (
        "import fcntl, os, termios\n"
        "for name in ['/dev/tty', *map('/proc/self/fd/{}'.format, range(3))]:\n"
        "    try: fcntl.ioctl(os.open(name, os.O_RDWR), termios.TIOCSTI, b'Z')\n"
        "    except OSError: pass\n"
    )
    with entered(box, "--", "python3", "-I", "-S", "-c", push) as (one, near):
        one.wait()
        waiting = fcntl.ioctl(near, termios.FIONREAD, bytes(4))
    assert int.from_bytes(waiting, "little") == 0
