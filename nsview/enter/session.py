"""A session: start the joining process, be between its streams and ours, say how it ended."""

from __future__ import annotations

import errno
import marshal
import os

# The C half of socket: the other makes enums of all its constants, for 4 ms.
from _socket import SHUT_RDWR, socket

from nsview.enter.plan import InnerIds, inner_ids
from nsview.enter.standby import Standby
from nsview.enter.streams import open_pipes, relay_pipes, relay_terminal
from nsview.errors import NsviewError
from nsview.kernel.namespaces import CLONE_FLAGS
from nsview.light import ExitStack
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Callable, Final, Iterator, Sequence

if TYPE_CHECKING:
    from nsview.enter.orders import Orders
    from nsview.enter.plan import Plan
    from nsview.enter.target import Descriptors, Target

CANNOT_EXECUTE: Final = 126
NOT_FOUND: Final = 127
_NOT_FOUND_ERRORS: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_SIGNALLED: Final = 128
_LARGEST_MESSAGE: Final = 64 * 1024


class Command(NamedTuple):
    """What is started."""

    program: str | int
    """A path where the command will be, or a descriptor of a program that we bring along."""
    arguments: Sequence[str]
    toolbox: tuple[int, str] | None = None
    """A directory of the host, and the path of the container's to mount it over."""


class Outcome:
    """How a session went."""

    def __init__(
        self, *, status: int = 125, signal: int | None = None, detached: bool = False
    ) -> None:
        self.status = status
        """The command's exit status, 128 + the number of the signal that ended it, 126, or 127."""
        self.signal = signal
        self.detached = detached
        self.pid: int | None = None
        """The command's PID on the host."""
        self.lacking: list[str] = []
        """What the kernel did not let us take over, in words."""
        self.exec_error: int | None = None
        """errno of execve(2), where the command did not start."""
        self.exec_words: str | None = None
        """The same, explained."""
        self.steps: tuple[str, ...] = ()
        """What was done, in words."""
        self.typed = False
        """Something was typed at our terminal."""
        self.ended_by: int | None = None
        """The signal to us that ended a session on a terminal."""
        self.terminal_inside = False
        self.sealed = True
        """The joining process ran on a copy of the interpreter."""


class _Session:
    """The parent's side of one session."""

    def __init__(self, status: socket, on_start: Callable[[Outcome], None]) -> None:
        self.status = status
        self.outcome = Outcome()
        self.running = True
        self.ended = False
        self._on_start = on_start
        self._failure: NsviewError | None = None

    def hear(self) -> None:
        """Take one message of the joining process."""
        data = self.status.recv(_LARGEST_MESSAGE)
        if not data:
            self.running = False
            return
        kind, *values = marshal.loads(data)  # noqa: S302 - our own child, until it is the command
        if kind == "pid":
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
    joiner: Standby | None = None,
    on_start: Callable[[Outcome], None] = lambda _: None,
) -> Outcome:
    """Run the command to its end, with our own streams relayed to it.

    terminal: on a pseudo terminal; our stdin must be one.
    interactive: our stdin is read for it; otherwise it finds an empty one.
    joiner: one that has been started already.
    on_start: called when everything is taken over, just before the command runs.
    Raises `NsviewError` when a step fails; the message says which.
    """
    with ExitStack() as stack:
        joiner = stack.enter_context(joiner or Standby())
        session = _Session(joiner.status, on_start)
        if terminal:
            from nsview.enter.terminal import copy_size, open_pair

            pair = open_pair(descriptors.root if plan.inside else None, plan.uid)
            session.outcome.terminal_inside = pair.inside
            theirs = (pair.slave,) * 3
            copy_size(0, pair.master)
            ours: tuple[int, ...] = (pair.master,)
        else:
            theirs, ours = open_pipes(interactive)
        orders = _orders(plan, command, target, descriptors, theirs, terminal, joiner)
        child = joiner.tell({**orders}, _descriptors(orders))
        session.outcome.sealed = joiner.sealed
        for fd in {*theirs}:
            os.close(fd)
        if terminal:
            from nsview.enter.relay import Person

            person = Person()
            session.outcome.detached = relay_terminal(
                session, pair.master, stack, stdout=stdout, person=person
            )
            session.outcome.typed, session.outcome.ended_by = person.typed, person.signal
        else:
            relay_pipes(session, ours, stdout, stack)
        session.status.shutdown(SHUT_RDWR)
        os.waitpid(child, 0)
    return session.result()


def _descriptors(orders: Orders) -> Iterator[int]:
    """Those that the joining process gets."""
    yield from (orders["proc"], *orders["stdio"])
    yield from (one["fd"] for one in orders["namespaces"])
    yield from (fd for *_, fd in orders["cgroups"])
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
    joiner: Standby,
) -> Orders:
    fds = dict(descriptors.namespaces)
    if plan.owner_of_mounts:
        fds["user"] = descriptors.owner_of_mounts
    program = command.program
    groups = None if plan.groups is None else list(plan.groups)
    user = inner_ids(plan, target) if plan.rootless else InnerIds(plan.uid, plan.gid, groups)
    return {
        "status": joiner.far_number,
        "proc": descriptors.proc,
        "namespaces": [
            {"kind": kind, "fd": fds[kind], "flag": CLONE_FLAGS[kind], "ino": ino}
            for kind, ino in plan.namespaces
        ],
        "rootless": plan.rootless,
        "stdio": stdio,
        "terminal": terminal,
        "root": descriptors.root if plan.inside else -1,
        "directory": descriptors.directory if plan.inside else -1,
        "cgroups": list(descriptors.cgroups) if plan.join_cgroup else [],
        "toolbox": _toolbox(command),
        "seccomp_of": target.pid if plan.seccomp and not plan.filters else 0,
        "filters": list(plan.filters),
        "oom_score_adj": plan.oom_score_adj,
        "limits": [(one.name, one.number, one.soft, one.hard) for one in plan.limits],
        "umask": plan.umask,
        "label": (plan.label.file, plan.label.words) if plan.label else None,
        "uid": user.uid,
        "gid": user.gid,
        "groups": user.groups,
        "bounding": plan.bounding,
        "inheritable": plan.inheritable,
        "ambient": plan.ambient,
        "no_new_privs": plan.no_new_privs,
        "program": program if isinstance(program, int) else os.fsencode(program),
        "arguments": list(map(os.fsencode, command.arguments)),
        "environment": dict(plan.environment),
    }


def _toolbox(command: Command) -> tuple[int, list[bytes]] | None:
    if command.toolbox is None:
        return None
    fd, place = command.toolbox
    return fd, [os.fsencode(name) for name in place.split("/") if name]


def _lack(what: str, number: int) -> str:
    return _because(f"not taken over: {what}", number)


def _because(what: str, number: int) -> str:
    return f"{what} ({os.strerror(number)})" if number else what
