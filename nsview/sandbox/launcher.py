"""The process that launches a sandbox and waits for its end: ``python -I -S``, one thread.

::

    launcher    on the host; ends the sandbox when it ends itself, clears away what is left
    └── init    number 1 inside: made all of it, then looks after the command
        └── command

Whatever happens to it, a SIGKILL included: the sandbox dies with it (PR_SET_PDEATHSIG), its mounts
die with the sandbox, and control groups and directories are found by ``nsview gc``.
"""

from __future__ import annotations

import errno
import marshal
import os
import select
import sys
import time

from nsview.enter.told import await_orders
from nsview.kernel import libc
from nsview.kernel.user_namespace import call_in
from nsview.sandbox.birth import NoBirthError, bear_first
from nsview.sandbox.mounts import Step
from nsview.sandbox.remains import remove_cgroup, remove_interface, remove_remains
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from nsview.sandbox.orders import Orders
    from nsview.sandbox.remains import Deputy

FAILED = 125
_SIGNALLED = 128
_KILL = 9
_SIGPIPE = 13
_MESSAGE_BYTES = 4096
_REPORT_BYTES = 64
_UMASK = 0o022
_OOM_FILES = (b"memory.events", b"memory.oom_control")
_ID_FILE = 0o600


def main() -> None:
    """Say to the descriptor named by the first argument that we are there, and do as it says."""
    status = int(sys.argv[1])
    _send(status, "alive")
    orders: Orders | None = await_orders(status)
    if orders is None:
        os._exit(FAILED)

    def report_bug(
        kind: type[BaseException], value: BaseException, _: TracebackType | None
    ) -> None:
        # The usual traceback would read source files, out of the sandbox by then.
        number = value.errno if isinstance(value, OSError) else None
        words = Step.words if number else f"{Step.words}: {kind.__name__}: {value}"
        if orders["status"] >= 0:  # number 1 closes it in the end
            _send(orders["status"], "failed", words, number or 0)
        os._exit(FAILED)

    sys.excepthook = report_bug
    os._exit(_launch(orders))


def _launch(orders: Orders) -> int:
    libc.default_signals()
    libc.ignore_signal(_SIGPIPE)
    libc.set_name(b"nsview-launcher")
    os.umask(_UMASK)
    os.chdir("/")
    reading, report = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    os.set_blocking(report, True)
    try:
        child = bear_first(orders, reading, report)
    except NoBirthError:
        return FAILED
    os.close(report)
    _note(orders["state"], b"process", b"%d %d\n" % (child, _start_time(child)))
    _send(orders["status"], "pid", child)
    reading = _leave_to_child(orders, reading)
    return _Watch(orders, child, reading).until_its_end()


def _leave_to_child(orders: Orders, reading: int) -> int:
    """Close what only the child needs; returns the new number of the pipe."""
    groups = orders["cgroups"]
    group_fds = [fd for *_, fd in groups]
    named = [reading, orders["state"], orders["status"]]
    if orders["user_namespace"] >= 0:  # whose root removes what others in it wrote
        named.append(orders["user_namespace"])
    kept = libc.keep_only(*named, *group_fds, *orders["held"], *orders["locks"])
    reading, orders["state"], orders["status"], *more = kept[: len(named)]
    orders["user_namespace"] = more[0] if more else -1
    at = len(named)
    orders["cgroups"] = [(*one[:2], fd) for one, fd in zip(groups, kept[at:], strict=False)]
    at += len(groups)
    orders["held"] = kept[at : at + len(orders["held"])]
    return reading


class _Watch:
    """Wait for the sandbox's end, pass signals on, and clear away."""

    def __init__(self, orders: Orders, child: int, reading: int) -> None:
        self.orders = orders
        self.child = child
        self.reading = reading
        self.status = orders["status"]
        self.code: int | None = None
        self.started = False

    def until_its_end(self) -> int:
        Step.words = "waiting for the end"
        pidfd = os.pidfd_open(self.child)
        poll = select.poll()
        for fd in (pidfd, self.status, self.reading):
            poll.register(fd, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self.reading in ready and not self._hear():
                poll.unregister(self.reading)
            if pidfd in ready:
                return self._end()
            if self.status in ready and not self._pass_on():
                poll.unregister(self.status)

    def _pass_on(self) -> bool:
        """Signals for the command; the other end closed is the end of all but the detached."""
        try:
            signals = os.read(self.status, _MESSAGE_BYTES)
        except ConnectionResetError:  # closed with messages of ours unread: as closed as any
            signals = b""
        if not signals and not (self.orders["detached"] and self.started):
            signals = bytes([_KILL])
        for number in signals:
            os.kill(self.child, number)
        return bool(signals) and signals[-1] != _KILL

    def _hear(self) -> bool:
        """What number 1 reports: that the command runs, does not, or has ended."""
        try:
            words = os.read(self.reading, _REPORT_BYTES).split()
        except BlockingIOError:
            return True
        if not words:  # closed by execve(2): it runs; or by its end
            if not self.started and not self.orders["init"]:
                self._start()
            return False
        while words:
            word = words.pop(0)
            if word == b"started":
                self._start()
            elif word == b"exec":
                _send(self.status, "exec", int(words.pop(0)))
            elif word == b"ended":
                self.code = int(words.pop(0))
        return True

    def _start(self) -> None:
        self.started = True
        _send(self.status, "started")

    def _end(self) -> int:
        while self._hear():  # all who could write to it are gone
            continue
        _, wait_status = os.waitpid(self.child, 0)
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(wait_status)
        kills = sum(_oom_kills(fd) for *_, fd in self.orders["cgroups"])
        self._clear_away(kills)
        _send(self.status, "ended", self.code, kills)
        return self.code if self.code >= 0 else _SIGNALLED - self.code

    def _clear_away(self, kills: int) -> None:
        """Remove it all; or the control groups alone, where it is kept or something resists.

        What never ran is not kept.
        """
        assert self.code is not None
        # First: whoever waits for the end takes the state's for the end of all.
        remove_interface(self.orders["remains"]["link"])
        for fd in self.orders["held"]:
            os.close(fd)
        kept = self.started and not self.orders["remove"]
        if kept:
            for words, *_ in self.orders["cgroups"]:
                remove_cgroup(words)
        if kept or remove_remains(self.orders["remains"], self._deputy()):
            ended = b"%d %d %d\n" % (self.code, int(time.time()), kills)
            _note(self.orders["state"], b"ended", ended)

    def _deputy(self) -> Deputy | None:
        """Who removes the files of others than us: the root of a user namespace that we own."""
        user_namespace = self.orders["user_namespace"]
        return None if user_namespace < 0 else lambda work: call_in(user_namespace, work)


def _start_time(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])


def _oom_kills(cgroup: int) -> int:
    """Processes that the kernel killed for their group's lack of memory."""
    for name in _OOM_FILES:
        try:
            fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=cgroup)
        except OSError:
            continue
        words = os.read(fd, _MESSAGE_BYTES).split()
        os.close(fd)
        if b"oom_kill" in words:
            return int(words[words.index(b"oom_kill") + 1])
    return 0


def _note(state: int, name: bytes, text: bytes) -> None:
    """Write a file of the state so that it is there whole, or not at all."""
    try:
        new = name + b".new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        fd = os.open(new, flags, _ID_FILE, dir_fd=state)
        os.write(fd, text)
        os.close(fd)
        os.rename(new, name, src_dir_fd=state, dst_dir_fd=state)
    except FileNotFoundError:  # removed by somebody
        return


def _send(status: int, *message: str | int | None) -> None:
    try:
        os.write(status, marshal.dumps(message))
    except OSError as error:  # nobody listens any more
        if error.errno not in (errno.EPIPE, errno.ECONNRESET):
            raise
