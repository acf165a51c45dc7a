"""Stepping inside from the UI, on a real terminal: the shell has it, then the UI has it again."""

from __future__ import annotations

import os
import re
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from support.processes import descendants, inode, started, wait_until, watched
from tui.terminal import Terminal, on_terminal

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="joins namespaces")

_ALTERNATE, _NORMAL = b"\x1b[?1049h", b"\x1b[?1049l"
#: Colours, and where the cursor is placed.
_SEQUENCE = re.compile(rb"\x1b\[[0-9;]*[Hm]")
#: The container's first process, and one below it with a network of its own.
_TWO = "unshare --net sleep 12345d & exec sleep infinity"


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[int, int]]:
    flags = ("--kill-child", "--mount-proc", "--pid", "--net", "--uts")
    with started("unshare", *flags, "--", "sh", "-c", _TWO) as process:
        pids = wait_until(lambda: found if len(found := descendants(process.pid)) == 3 else None)
        wait_until(lambda: inode(pids[1], "net") != inode(pids[2], "net"))
        yield pids[1], pids[2]


@pytest.fixture
def box(both: tuple[int, int]) -> int:
    return both[0]


@contextmanager
def ui(*words: str) -> Iterator[Terminal]:
    """The UI, as soon as it shows a page."""
    with on_terminal("nsview", *words) as terminal:
        terminal.until(lambda seen: b" Summary" in seen and b"namespaces" in seen)
        yield terminal


def after(terminal: Terminal, keys: bytes, words: bytes) -> bytes:
    """Press keys and wait for the words; what came since."""
    at = len(terminal.received)
    terminal.type(keys)
    # Where parts of a line are painted anew, the cursor is placed in the middle of words.
    terminal.until(lambda seen: words in _SEQUENCE.sub(b"", seen[at:]))
    return terminal.received[at:]


def flags(terminal: Terminal) -> list[object]:
    return termios.tcgetattr(terminal.fd)[:4]


def links(seen: bytes) -> dict[str, int]:
    return {kind.decode(): int(number) for kind, number in re.findall(rb"(\w+):\[(\d+)\]", seen)}


def test_a_shell_has_the_terminal_and_then_the_ui_again(box: int) -> None:
    with ui(str(box)) as one:
        before = flags(one)
        seen = after(one, b"s", b"three times hangs up")
        assert _NORMAL in seen
        seen = after(one, b"echo in-$((40+2)); readlink /proc/self/ns/uts\r", b"in-42")
        one.until(lambda seen: b"uts:[%d]" % inode(box, "uts") in seen)
        termios.tcsetwinsize(one.fd, (33, 101))
        after(one, b"stty size\r", b"33 101")
        seen = after(one, b"exit 3\r", b"exit status 3")
        assert _ALTERNATE in seen
        # As it was: the same page, in the window's new size, and the same terminal modes.
        one.until(lambda seen: b" Summary" in seen.rpartition(_ALTERNATE)[2])
        wait_until(lambda: flags(one) == before)
        one.type(b"\x03")
        assert os.waitstatus_to_exitcode(one.wait()) == 0


def test_a_row_of_processes_is_that_process(both: tuple[int, int]) -> None:
    box, inner = both
    with ui(str(box)) as one:
        after(one, b"2", b"sleep 12345d")
        # The last row: the cursor stays there.
        after(one, b"\x1b[B" * 5 + b"s", b"in process %d" % inner)
        after(one, b"readlink /proc/self/ns/net\r", b"net:[%d]" % inode(inner, "net"))
        after(one, b"exit\r", b"exit status 0")


def test_with_choices_and_the_output_stays(box: int) -> None:
    with ui(str(box)) as one:
        after(one, b"S", b"step into")
        command = b"readlink /proc/self/ns/net /proc/self/ns/uts"
        one.type(command + b"\t\tnet,user\r")
        one.until(lambda seen: b"Enter goes back" in seen)
        found = links(one.received.rpartition(_NORMAL)[2])
        assert found == {"net": inode(box, "net"), "uts": inode("self", "uts")}
        after(one, b"\r", b"exit status 0")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (b"\t\tnett\r", b"kinds of namespaces are"),
        (b"\tnobody-of-that-name\r", b"no user 'nobody-of"),
        (b"no-such-program\r", b"the container has no"),
        (b"'unbalanced\r", b"No closing quotation"),
        (b"\t\t\t\tperhaps\r", b"yes or no"),
    ],
)
def test_what_goes_wrong_is_said_in_the_ui(box: int, typed: bytes, words: bytes) -> None:
    with ui(str(box)) as one:
        after(one, b"S", b"step into")
        # The terminal was never given away.
        assert _NORMAL not in after(one, typed, words)


def test_a_shell_that_ends_at_once_is_not_covered(box: int) -> None:
    with ui(str(box)) as one:
        after(one, b"S", b"step into")
        seen = after(one, b"sh -c 'echo what-went-wrong; exit 9'\r", b"Enter goes back")
        assert b"what-went-wrong" in seen
        after(one, b"\r", b"exit status 9")


def _program(pid: int) -> str:
    with suppress(OSError):
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    return ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_inside_ends_both(box: int, number: int) -> None:
    with ui(str(box)) as one:
        after(one, b"s", b"three times hangs up")
        # In the foreground: what a shell has in the background it may leave there, as after ssh(1).
        after(one, b"echo in-$((40+2)); sleep infinity\r", b"in-42")
        # By then it has the terminal: a shell that is hung up while it starts a job forgets it.
        wait_until(lambda: _program(descendants(one.pid)[-1]) == "sleep")
        with watched(descendants(one.pid)[1:]) as ended:
            os.kill(one.pid, number)
            assert os.waitstatus_to_exitcode(one.wait()) == 128 + number
            wait_until(ended)


def test_readonly_has_no_shell(box: int) -> None:
    with ui("--readonly", str(box)) as one:
        assert b"shell" not in one.received
        for line in (b":shell\r", b":enter %d\r" % box):
            assert _NORMAL not in after(one, line, b"not with --readonly")
        one.type(b"sS")
        assert _NORMAL not in after(one, b"2", b"sleep infinity")
