"""A session: start the joining process, be between its streams and ours, say how it ended."""

from __future__ import annotations

import contextlib
import errno
import marshal
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from nsview.enter.orders import Orders
from nsview.enter.plan import Plan
from nsview.enter.relay import Detach, Stream, relay
from nsview.enter.sealed import seal_program
from nsview.enter.target import Descriptors, Target
from nsview.enter.terminal import Modes, copy_size, open_pair, raw
from nsview.errors import NsviewError
from nsview.kernel.namespaces import CLONE_FLAGS

CANNOT_EXECUTE: Final = 126
NOT_FOUND: Final = 127
_NOT_FOUND_ERRORS: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_SIGNALLED: Final = 128
_STDERR: Final = 2
_HANG_UP_SECONDS: Final = 2.0
_LARGEST_MESSAGE: Final = 64 * 1024
#: What ends or interrupts us is for the command; SIGWINCH is ours.
_PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

# `nsview` itself is not imported: its __init__ loads typing, which takes longer than joining does.
_BOOTSTRAP: Final = (
    "import sys; package = type(sys)('nsview'); package.__path__ = [sys.argv.pop(1)]; "
    "sys.modules['nsview'] = package; from nsview.enter.joiner import main; main()"
)
_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is started."""

    program: str | int
    """A path where the command will be, or a descriptor of a program that we bring along."""
    arguments: Sequence[str]
    toolbox: tuple[int, str] | None = None
    """A directory of the host, and the path of the container's to mount it over."""


@dataclass(slots=True)
class Outcome:
    """How a session went."""

    status: int = 125
    """The command's exit status, 128 + the number of the signal that ended it, 126, or 127."""
    signal: int | None = None
    pid: int | None = None
    """The command's PID on the host."""
    lacking: list[str] = field(default_factory=list)
    """What the kernel did not let us take over, in words."""
    exec_error: int | None = None
    """errno of execve(2), where the command did not start."""
    exec_words: str | None = None
    """The same, explained."""
    steps: tuple[str, ...] = ()
    """What was done, in words."""
    detached: bool = False
    terminal_inside: bool = False
    sealed: bool = True
    """The joining process ran on a copy of the interpreter."""


class _Session:
    """The parent's side of one session."""

    def __init__(self, on_start: Callable[[Outcome], None]) -> None:
        self.outcome = Outcome()
        self.running = True
        self.alive = False
        self.ended = False
        self._on_start = on_start
        self._failure: NsviewError | None = None
        self.status, self.far_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def hear(self) -> None:
        """Take one message of the joining process."""
        data = self.status.recv(_LARGEST_MESSAGE)
        if not data:
            self.running = False
            return
        kind, *values = marshal.loads(data)  # noqa: S302 - our own child, until it is the command
        if kind == "alive":
            self.alive = True
        elif kind == "pid":
            self.outcome.pid = values[0]
        elif kind == "lacking":
            self.outcome.lacking += [_lack(what, number) for what, number in values[0]]
            self._on_start(self.outcome)
        elif kind == "failed":
            self._failure = NsviewError(_because(values[0], values[1]))
        elif kind == "exec":
            self.outcome.exec_error = values[0]
        elif kind == "ended":
            self.ended = True
            self._end(values[0])

    def _end(self, code: int) -> None:
        self.running = False
        self.outcome.status = code if code >= 0 else _SIGNALLED - code
        self.outcome.signal = -code if code < 0 else None
        if self.outcome.exec_error is not None:
            missing = self.outcome.exec_error in _NOT_FOUND_ERRORS
            self.outcome.status = NOT_FOUND if missing else CANNOT_EXECUTE

    def result(self) -> Outcome:
        """How it went; raises `NsviewError` when joining failed."""
        if self._failure is not None:
            raise self._failure
        if not self.ended:
            raise NsviewError("the joining process was killed")
        return self.outcome


def run_session(
    plan: Plan,
    command: Command,
    target: Target,
    descriptors: Descriptors,
    *,
    terminal: bool,
    interactive: bool,
    stdout: int = 1,
    on_start: Callable[[Outcome], None] = lambda _: None,
) -> Outcome:
    """Run the command to its end, with our own streams relayed to it.

    terminal: on a pseudo terminal; our stdin must be one.
    interactive: our stdin is read for it; otherwise it finds an empty one.
    on_start: called when everything is taken over, just before the command runs.
    Raises `NsviewError` when a step fails; the message says which.
    """
    session = _Session(on_start)
    with contextlib.ExitStack() as stack:
        stack.callback(session.status.close)
        _own_standard_streams()
        if terminal:
            pair = open_pair(descriptors.root if plan.inside else None, plan.uid)
            session.outcome.terminal_inside = pair.inside
            theirs = (pair.slave,) * 3
            copy_size(0, pair.master)
            ours: tuple[int, ...] = (pair.master,)
        else:
            theirs, ours = _open_pipes(interactive)
        orders = _orders(plan, command, target, descriptors, theirs, terminal, session)
        child = _start(orders, session)
        for fd in {*theirs}:
            os.close(fd)
        session.far_status.close()
        if terminal:
            _relay_terminal(session, pair.master, stack)
        else:
            _relay_pipes(session, ours, stdout, stack)
        session.status.shutdown(socket.SHUT_RDWR)
        os.waitpid(child, 0)
    return session.result()


def _start(orders: Orders, session: _Session) -> int:
    """Start the joining process: on a sealed interpreter, or where that does not run, on ours."""
    for sealed in (True, False):
        child = _spawn(orders, sealed)
        if child is None:
            continue
        # An interpreter that finds its library by its own place ($ORIGIN) is lost in a memfd.
        pidfd = os.pidfd_open(child)
        try:
            while not session.alive and session.running and _speaks(session, pidfd):
                session.hear()
        finally:
            os.close(pidfd)
        if session.alive:
            session.outcome.sealed = sealed
            return child
        os.waitpid(child, 0)
    raise NsviewError("the joining process did not start")


def _speaks(session: _Session, pidfd: int) -> bool:
    import select

    poll = select.poll()
    poll.register(session.status.fileno(), select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    return session.status.fileno() in dict(poll.poll())


def _spawn(orders: Orders, sealed: bool) -> int | None:
    with contextlib.ExitStack() as stack:
        program = sys.executable
        if sealed:
            try:
                copy = seal_program(os.path.realpath(sys.executable))
            except OSError:
                return None
            stack.callback(os.close, copy)
            program = f"/proc/self/fd/{copy}"
        paper = os.memfd_create("orders", os.MFD_CLOEXEC)
        stack.callback(os.close, paper)
        with open(os.dup(paper), "wb") as file:
            file.write(marshal.dumps(dict(orders)))
        os.lseek(paper, 0, os.SEEK_SET)
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        stack.callback(os.close, nothing)
        for fd in (*_descriptors(orders), paper):
            os.set_inheritable(fd, True)
        flags = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
        arguments = [sys.executable, *flags, "-c", _BOOTSTRAP, _PACKAGE, str(paper)]
        keep = {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ}
        streams = [(os.POSIX_SPAWN_DUP2, nothing, fd) for fd in range(3)]
        return os.posix_spawn(program, arguments, keep, file_actions=streams, setsid=True)


def _descriptors(orders: Orders) -> Iterator[int]:
    """Those that the joining process inherits."""
    yield from (orders["status"], orders["proc"], *orders["stdio"])
    yield from (one["fd"] for one in orders["namespaces"])
    yield from (fd for _, fd in orders["cgroups"])
    yield from (fd for fd in (orders["root"], orders["directory"]) if fd >= 0)
    if orders["toolbox"] is not None:
        yield orders["toolbox"][0]
    if isinstance(orders["program"], int):
        yield orders["program"]


def _orders(
    plan: Plan,
    command: Command,
    target: Target,
    descriptors: Descriptors,
    stdio: tuple[int, int, int],
    terminal: bool,
    session: _Session,
) -> Orders:
    fds = dict(descriptors.namespaces)
    if plan.owner_of_mounts:
        fds["user"] = descriptors.owner_of_mounts
    program = command.program
    return Orders(
        status=session.far_status.fileno(),
        proc=descriptors.proc,
        namespaces=[
            {"kind": kind, "fd": fds[kind], "flag": CLONE_FLAGS[kind], "ino": ino}
            for kind, ino in plan.namespaces
        ],
        stdio=stdio,
        terminal=terminal,
        root=descriptors.root if plan.inside else -1,
        directory=descriptors.directory if plan.inside else -1,
        cgroups=list(descriptors.cgroups) if plan.join_cgroup else [],
        toolbox=_toolbox(command),
        seccomp_of=target.pid if plan.seccomp else 0,
        oom_score_adj=plan.oom_score_adj,
        limits=[(one.name, one.number, one.soft, one.hard) for one in plan.limits],
        umask=plan.umask,
        label=(plan.label.file, plan.label.words) if plan.label else None,
        uid=plan.uid,
        gid=plan.gid,
        groups=None if plan.groups is None else list(plan.groups),
        bounding=plan.bounding,
        inheritable=plan.inheritable,
        ambient=plan.ambient,
        no_new_privs=plan.no_new_privs,
        program=program if isinstance(program, int) else os.fsencode(program),
        arguments=list(map(os.fsencode, command.arguments)),
        environment=dict(plan.environment),
    )


def _toolbox(command: Command) -> tuple[int, list[bytes]] | None:
    if command.toolbox is None:
        return None
    fd, place = command.toolbox
    return fd, [os.fsencode(name) for name in place.split("/") if name]


def _own_standard_streams() -> None:
    """Have something at 0 to 2: what is opened next would be taken for a stream."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        continue
    os.close(fd)


def _open_pipes(interactive: bool) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Pipes of our own: through a file of ours a container could reach the file system it is on."""
    if interactive:
        command_in, our_in = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(our_in, False)
    else:
        command_in, our_in = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), -1
    our_out, command_out = os.pipe2(os.O_CLOEXEC)
    our_err, command_err = os.pipe2(os.O_CLOEXEC)
    return (command_in, command_out, command_err), (our_in, our_out, our_err)


def _relay_pipes(
    session: _Session, ours: tuple[int, ...], stdout: int, stack: contextlib.ExitStack
) -> None:
    stdin, out, err = ours
    streams = [
        Stream(out, stdout, output=True, owned=(out,)),
        Stream(err, 2, output=True, owned=(err,)),
    ]
    if stdin >= 0:
        streams.append(Stream(0, stdin, output=False, owned=(stdin,)))
    for one in streams:
        stack.callback(one.close)
    with _signals() as waking:

        def pass_on() -> None:
            numbers = bytes(n for n in os.read(waking, _LARGEST_MESSAGE) if n in _PASSED_ON)
            if numbers:
                session.status.send(numbers)

        events = {session.status.fileno(): session.hear, waking: pass_on}
        relay(streams, events, lambda: session.running)


def _relay_terminal(session: _Session, master: int, stack: contextlib.ExitStack) -> None:
    os.set_blocking(master, False)
    modes, detach = Modes(), Detach()
    output = Stream(master, 1, output=True, look=modes.feed, owned=(master,))
    typed = Stream(0, master, output=False, look=detach.look)
    stack.callback(output.close)
    ending = False
    with raw(0, modes), _signals() as waking:

        def attend() -> None:
            nonlocal ending
            for number in os.read(waking, _LARGEST_MESSAGE):
                if number == signal.SIGWINCH:
                    copy_size(0, master)
                elif number in _PASSED_ON:
                    ending = True

        events = {session.status.fileno(): session.hear, waking: attend}
        relay([output, typed], events, lambda: session.running and not (ending or detach.seen))
        if session.running:
            session.outcome.detached = detach.seen
            _hang_up(session, output)


def _hang_up(session: _Session, output: Stream) -> None:
    """As a terminal that goes away does it: SIGHUP for all that is on it; then SIGKILL."""
    output.close()
    events = {session.status.fileno(): session.hear}
    deadline = time.monotonic() + _HANG_UP_SECONDS
    relay((), events, lambda: session.running and time.monotonic() < deadline)
    if session.running:
        session.status.send(bytes([signal.SIGKILL]))
        relay((), events, lambda: session.running)


def _lack(what: str, number: int) -> str:
    return _because(f"not taken over: {what}", number)


def _because(what: str, number: int) -> str:
    return f"{what} ({os.strerror(number)})" if number else what


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """A descriptor from which the numbers of signals can be read while the block lasts."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    numbers = (*_PASSED_ON, signal.SIGWINCH)
    before = {number: signal.getsignal(number) for number in numbers}
    pipe = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    old = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        for number in numbers:
            signal.signal(number, lambda *_: None)
        yield reading
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.signal(signal.SIGPIPE, pipe)
        signal.set_wakeup_fd(old)
        os.close(reading)
        os.close(writing)
