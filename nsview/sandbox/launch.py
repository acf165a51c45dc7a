"""Launch a sandbox: prepare it, start its launching process, be between its streams and ours."""

from __future__ import annotations

import marshal
import os

# The C half of socket, as in `nsview.sandbox.conversation`.
from _socket import SHUT_RDWR

from nsview.enter.spawn import own_standard_streams
from nsview.enter.standby import LAUNCHER, Standby
from nsview.enter.streams import open_pipes, relay_pipes, relay_terminal
from nsview.errors import NsviewError
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.light import ExitStack, signal, suppress
from nsview.sandbox.conversation import Conversation
from nsview.sandbox.outcome import Outcome
from nsview.sandbox.prepare import Prepared, descriptors_of, make_orders, prepare
from nsview.sandbox.spec import Spec, check_spec
from nsview.sandbox.state import clear_away, create, note_filter
from nsview.typed import Callable, Final, Sequence

_ROOT: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_OnStart = Callable[[Outcome], None]


def run_sandbox(
    spec: Spec,
    *,
    stdout: int = 1,
    tied: bool = False,
    on_start: _OnStart = lambda _: None,
    launcher: Standby | None = None,
) -> Outcome:
    """Run a sandbox to its end; a detached one until its command runs.

    tied: a detached one ends with us all the same, see `Outcome.tie`. on_start: called once it is
    made, just before the command runs. launcher: one that has been started already. Raises
    `NsviewError` when it cannot be made, and leaves nothing behind then.
    """
    own_standard_streams()
    if os.geteuid():  # it is what gives the rights to make the others
        spec = spec._replace(user_namespace=True)
    check_spec(spec)
    place = create(spec.name)
    kept = False
    try:
        with ExitStack() as stack:
            helper = stack.enter_context(launcher or Standby(LAUNCHER))
            prepared = prepare(spec, place, stack)
            outcome = _run(prepared, helper, stack, stdout, on_start, tied=tied)
        kept = outcome.exec_error is None
        return outcome
    finally:
        if not kept:
            clear_away(place.id)
        os.close(place.lock)


def _run(
    prepared: Prepared,
    launcher: Standby,
    stack: ExitStack,
    stdout: int,
    on_start: _OnStart,
    *,
    tied: bool,
) -> Outcome:
    outcome = _outcome_of(prepared)
    spec = prepared.spec
    talk = Conversation(outcome, launcher.status)
    child, go, ours = _start(prepared, launcher, stack, tied=tied)
    try:
        _hand_over(prepared, talk, go, on_start)
    except BaseException:
        with suppress(OSError):
            talk.status.send(bytes([signal.SIGKILL]))
        _wait(child)
        raise
    if spec.detached:
        if talk.started:
            outcome.launcher = child
            outcome.tie = os.dup(talk.status.fileno()) if tied else None
            return outcome
    elif spec.terminal:
        from nsview.enter.terminal import copy_size

        copy_size(0, talk.master)
        outcome.detached = relay_terminal(talk, talk.master, stack)
    else:
        relay_pipes(talk, ours, stdout, stack)
    _hear_the_end(spec, talk, child)
    return outcome


def _outcome_of(prepared: Prepared) -> Outcome:
    place = prepared.place
    outcome = Outcome(
        id=place.id, name=place.name, upper=prepared.layers.upper, network=prepared.network
    )
    _note_lacking(prepared.spec, outcome, prepared.lacking)
    if prepared.ids is not None and prepared.ids.note is not None:
        outcome.notes.append(prepared.ids.note)
    return outcome


def _start(
    prepared: Prepared, launcher: Standby, stack: ExitStack, *, tied: bool
) -> tuple[int, int, tuple[int, ...]]:
    """Tell the launching process all; returns its PID, where it waits for more, and our streams."""
    theirs, ours = _streams(prepared.spec)
    go, far_go = os.pipe2(os.O_CLOEXEC)
    orders = make_orders(prepared, stack)
    orders["detached"] = prepared.spec.detached and not tied
    orders |= {"status": launcher.far_number, "go": go, "stdio": theirs}
    child = launcher.tell({**orders}, descriptors_of(orders))
    for fd in {*theirs, go}:
        os.close(fd)
    return child, far_go, ours


def _hand_over(prepared: Prepared, talk: Conversation, go: int, on_start: _OnStart) -> None:
    """Say what the command is, once there is a root to look for it in."""
    spec, outcome = prepared.spec, talk.outcome
    try:
        # While the launching process works: as much as takes no root.
        from nsview.kernel import syscalls
        from nsview.sandbox.become import find_account, find_command
        from nsview.sandbox.seccomp_profile import make_filter

        seccomp = make_filter(spec.seccomp, spec.capabilities)
        syscalls.load()
        if os.geteuid():
            note_filter(prepared.place, seccomp)
        if not talk.hear_until(lambda: talk.ready and outcome.pid is not None):
            if talk.failure is not None:
                raise talk.failure
            raise NsviewError("the launching process was killed")
        pid = outcome.pid or 0
        if prepared.network is not None:
            _note_lacking(spec, outcome, prepared.network.connect(pid))
        own = read_namespaces(Procfs(), pid) or ()
        outcome.namespaces = dict(zip(KINDS, own, strict=False))
        root = os.open(f"/proc/{pid}/root", _ROOT)
        try:
            account, problem = find_account(spec, root, prepared.ids)
            _note_lacking(spec, outcome, [problem] if problem else [])
            become, outcome.exec_words = find_command(
                spec, root, prepared.hostname, account, seccomp
            )
        finally:
            os.close(root)
        on_start(outcome)
        with open(go, "wb", closefd=False) as pipe:
            pipe.write(marshal.dumps(dict(become)))
    finally:
        os.close(go)
    if spec.detached:
        talk.hear_until(lambda: talk.started)


def _hear_the_end(spec: Spec, talk: Conversation, child: int) -> None:
    while talk.running:
        talk.hear()
    talk.status.shutdown(SHUT_RDWR)
    _wait(child)
    if talk.failure is not None:
        raise talk.failure
    if not talk.ended:
        raise NsviewError("the launching process was killed")
    outcome = talk.outcome
    if outcome.exec_error is None:  # it did start, whatever we had found wrong with it
        outcome.exec_words = None
    elif outcome.exec_words is None:
        name = spec.command[0] if spec.command else "the shell"
        outcome.exec_words = f"{name} cannot be executed: {os.strerror(outcome.exec_error)}"


def _note_lacking(spec: Spec, outcome: Outcome, words: Sequence[str]) -> None:
    """Remember what the host does not allow; raises `NsviewError` if that is not good enough."""
    if words and spec.strict:
        raise NsviewError("not allowed by this host: " + "; ".join(words))
    outcome.lacking += words


def _wait(child: int) -> None:
    with suppress(ChildProcessError):  # SIGCHLD is ignored; it has ended all the same
        os.waitpid(child, 0)


def _streams(spec: Spec) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    if spec.detached or spec.terminal:
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        return (nothing,) * 3, ()
    return open_pipes(spec.interactive)
