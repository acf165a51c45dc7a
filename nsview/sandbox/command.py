"""The last steps inside: become the command, or number 1 that looks after it.

Number 1 is this very process, on a sealed interpreter and not dumpable: nobody inside can trace it
or write to what it runs. It imports nothing any more, holds no right but to send signals, and no
descriptor but the pipe by which it tells how the command fares.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` wraps, which imports enum
import errno
import fcntl
import os
import termios

from nsview.kernel import libc
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

    from nsview.sandbox.orders import Become, Orders

CAP_KILL = 1 << 5
_FIRST = 3
_FAILED = 125
_SIGNALLED = 128
_WORD = 16
_DEATH = 9


def run_command(orders: Orders, become: Become, slave: int, report: int) -> None:
    """Start the command; never returns. `report` is told ``exec N`` or ``ended CODE``."""
    stdio = (slave,) * 3 if slave >= 0 else orders["stdio"]
    # Two steps: 0 to 2 themselves may be among the three.
    copies = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST) for fd in stdio]
    for target, fd in enumerate(copies):
        os.dup2(fd, target)
    (report,) = libc.keep_only(report)
    orders["status"] = -1
    try:
        started = _start(orders, become, report)
    except OSError as error:  # EAGAIN: it may have no more processes than number 1
        _report_failure(report, error)
    _look_after(*started, report)


def _start(orders: Orders, become: Become, report: int) -> tuple[int, int, int]:
    """Become the command, or start it and drop all rights; returns what is left to look after."""
    if not orders["init"]:
        _become(orders, become, report, -1)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    reading, writing = os.pipe2(os.O_CLOEXEC)
    harmless = os.eventfd(0)
    command = os.fork()
    if command == 0:
        os.close(reading)
        os.close(report)
        _become(orders, become, writing, harmless)
    os.close(writing)
    nothing = os.open("/dev/null", os.O_RDWR)  # while it may pass a root that is another's alone
    _drop_rights()
    os.eventfd_write(harmless, 1)
    os.close(harmless)
    return command, reading, nothing


def _become(orders: Orders, become: Become, report: int, harmless: int) -> None:
    """Take the user, the rights and the program, once number 1 has said that it is harmless."""
    try:
        if orders["init"]:  # or number 1 leads a session already
            os.setsid()
        if orders["terminal"]:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            os.fchown(0, become["uid"], -1)
        libc.drop_bounding(orders["bounding"])
        libc.prctl(libc.PR_CAP_AMBIENT, libc.PR_CAP_AMBIENT_CLEAR_ALL)
        if not orders["one_user"]:
            os.setgroups(become["groups"])
        os.setresgid(become["gid"], become["gid"], become["gid"])
        os.setresuid(become["uid"], become["uid"], become["uid"])
        held = libc.permitted_capabilities() & orders["bounding"]
        libc.set_capabilities(held, held, 0)
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        if not orders["init"]:  # changing the user has cleared it
            libc.prctl(libc.PR_SET_PDEATHSIG, _DEATH)
        os.chdir(become["directory"])
        libc.default_signals()
        if harmless >= 0:
            os.eventfd_read(harmless)
        if become["filter"]:
            libc.install_filter(become["filter"])
        os.execve(  # noqa: S606 - this is what the process is for
            become["path"], become["arguments"], become["environment"]
        )
    except OSError as error:
        _report_failure(report, error)


def _report_failure(report: int, error: OSError) -> NoReturn:
    os.write(report, b"exec %d " % (error.errno or errno.EIO))
    os._exit(_FAILED)


def _drop_rights() -> None:
    libc.drop_bounding(CAP_KILL)
    libc.set_capabilities(CAP_KILL, CAP_KILL, 0)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)


def _look_after(command: int, started: int, nothing: int, report: int) -> None:
    """Be number 1: pass signals on, bury every orphan, end with the command.

    `nothing` is /dev/null, for its own streams.
    """
    for fd in range(_FIRST):  # whoever reads them is to see their end when the command's are closed
        os.dup2(nothing, fd)
    os.close(nothing)
    os.write(report, os.read(started, _WORD) or b"started ")
    os.close(started)
    everything = _signal.valid_signals()
    while True:
        number = _signal.sigwait(everything)
        if number != _signal.SIGCHLD:
            try:
                os.kill(command, number)
            except ProcessLookupError:
                continue
            continue
        status = _bury(command)
        if status is not None:
            code = os.waitstatus_to_exitcode(status)
            os.write(report, b"ended %d " % code)
            os._exit(code if code >= 0 else _SIGNALLED - code)


def _bury(command: int) -> int | None:
    """Wait for all that have ended; returns the command's status if it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == command:
            found = status
