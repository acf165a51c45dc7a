"""Terminals: a fresh one for the session, and ours in raw mode for as long as it lasts.

The command never gets our own terminal: it could push characters into it that our shell would run
(TIOCSTI, CVE-2017-5226).
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import termios

from nsview.kernel.safe_open import open_below
from nsview.kernel.statfs import DEVPTS_MAGIC, file_system_type
from nsview.light import contextmanager, suppress
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterator

#: devpts(5): /dev/pts/ptmx is always inode 2, and the device 5:2.
_PTMX_INODE: Final = 2
_PTMX_DEVICE: Final = os.makedev(5, 2)
_TIOCGPTPEER: Final = 0x5441  # Linux 4.13
_TIOCSPTLCK: Final = 0x40045431
_SLAVE_MODE: Final = 0o620
_FLAGS: Final = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC

_MODE: Final = re.compile(rb"\x1b\[\?([0-9;]{1,64})([hl])")
_KEYBOARD: Final = re.compile(rb"\x1b\[([<>=])[0-9;]*u")
_LONGEST_SEQUENCE: Final = 80
#: Modes that are on in a terminal at rest: cursor shown, lines wrapped.
_NORMALLY_ON: Final = frozenset({b"25", b"7"})
#: Rendition, character set, shift state: as after a reset.
_PLAIN: Final = b"\x1b[0m\x1b(B\x0f"


class Pair(NamedTuple):
    """A pseudo terminal: our end, and the command's."""

    master: int
    slave: int
    inside: bool
    """The container's own devpts has it: ttyname(3) and /dev/pts/N work in there."""


def open_pair(root: int | None, owner: int | None) -> Pair:
    """Open a pseudo terminal, in the devpts below `root` where that truly is one, else our own.

    `owner` is the uid (the host's) that is to have the command's end.
    """
    master = None if root is None else _open_inside(root)
    inside = master is not None
    if master is None:
        master = os.open("/dev/ptmx", _FLAGS)
    try:
        fcntl.ioctl(master, _TIOCSPTLCK, bytes(4))
        slave = fcntl.ioctl(master, _TIOCGPTPEER, _FLAGS)
        with suppress(PermissionError):
            os.fchown(slave, -1 if owner is None else owner, -1)
            os.fchmod(slave, _SLAVE_MODE)
    except BaseException:
        os.close(master)
        raise
    return Pair(master, slave, inside)


def _open_inside(root: int) -> int | None:
    """The multiplexer of the container's devpts; None when anything about it is unusual.

    A container may put a link or another device there (CVE-2025-52565).
    """
    try:
        directory = open_below(root, "/dev/pts", os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if file_system_type(directory) != DEVPTS_MAGIC:
            return None
        found = os.stat("ptmx", dir_fd=directory, follow_symlinks=False)
        if not _is_ptmx(found) or found.st_dev != os.fstat(directory).st_dev:
            return None
        fd = os.open("ptmx", _FLAGS | os.O_NOFOLLOW, dir_fd=directory)
    except OSError:  # EACCES: a devpts with ptmxmode=000
        return None
    finally:
        os.close(directory)
    if not _is_ptmx(os.fstat(fd)):
        os.close(fd)
        return None
    return fd


def _is_ptmx(found: os.stat_result) -> bool:
    character = stat.S_ISCHR(found.st_mode)
    return character and found.st_ino == _PTMX_INODE and found.st_rdev == _PTMX_DEVICE


def copy_size(source: int, destination: int) -> None:
    """Give one terminal the size of another."""
    with suppress(OSError, termios.error):
        termios.tcsetwinsize(destination, termios.tcgetwinsize(source))


class Modes:
    """What a command has switched on in our terminal: full screen, mouse, bracketed paste, ..."""

    def __init__(self) -> None:
        self._switched: dict[bytes, bytes] = {}
        self._keyboard = 0
        self._tail = b""
        self._plain = True

    def feed(self, output: bytes) -> None:
        """Look at what goes to the terminal."""
        if b"\x1b" not in output and not self._tail:
            return
        self._plain = False
        data = self._tail + output
        seen = 0
        for match in _MODE.finditer(data):
            for mode in match[1].split(b";"):
                self._switched[mode] = match[2]
            seen = match.end()
        for match in _KEYBOARD.finditer(data):
            self._keyboard += {b">": 1, b"<": -1}.get(match[1], 0)
            seen = max(seen, match.end())
        # A sequence may be cut by the end of what was read.
        last = data.rfind(b"\x1b")
        self._tail = data[last:] if last >= max(seen, len(data) - _LONGEST_SEQUENCE) else b""

    def reset(self) -> bytes:
        """What brings the terminal back to rest; empty when nothing was ever touched."""
        if self._plain:
            return b""
        undone = b""
        for mode, state in self._switched.items():
            rest = b"h" if mode in _NORMALLY_ON else b"l"
            if state != rest:
                undone += b"\x1b[?%s%s" % (mode, rest)
        pops = b"\x1b[<%du" % self._keyboard if self._keyboard > 0 else b""
        return pops + undone + _PLAIN


@contextmanager
def own_lines(fd: int) -> Iterator[None]:
    """What we ourselves say to a raw terminal in the block begins each line at its left edge."""
    _process_output(fd, True)
    try:
        yield
    finally:
        _process_output(fd, False)


def _process_output(fd: int, on: bool) -> None:
    with suppress(termios.error):  # hung up
        attributes = termios.tcgetattr(fd)
        attributes[1] |= termios.OPOST | termios.ONLCR
        if not on:
            attributes[1] &= ~termios.OPOST
        termios.tcsetattr(fd, termios.TCSANOW, attributes)


@contextmanager
def raw(fd: int, modes: Modes) -> Iterator[None]:
    """Our terminal passes every key on; as it was, and at rest, at the end of the block."""
    before = termios.tcgetattr(fd)
    changed = termios.tcgetattr(fd)
    changed[0] &= ~(
        termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON
        | termios.IGNBRK | termios.PARMRK | termios.INLCR | termios.IGNCR
    )  # fmt: skip
    changed[1] &= ~termios.OPOST
    changed[2] = changed[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    changed[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG)
    changed[6][termios.VMIN] = 1
    changed[6][termios.VTIME] = 0
    termios.tcsetattr(fd, termios.TCSANOW, changed)
    try:
        yield
    finally:
        with suppress(OSError):  # hung up
            os.write(fd, modes.reset())
        with suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSANOW, before)
