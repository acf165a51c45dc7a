"""A command where a container or a process is, on the terminal that the UI lends it.

What may take its time (the container's files) is read by the scanner's thread while the UI goes on.
Only then does the UI step back; it never forks and never changes a namespace: `nsview.enter` starts
a process of its own for that.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from typing import NamedTuple

from textual.app import SuspendNotSupported

from nsview.display import display
from nsview.enter.enter import Choice, Ready, prepare
from nsview.enter.session import Outcome
from nsview.errors import NsviewError, refusal
from nsview.host.model import Snapshot
from nsview.kernel.procfs import Procfs
from nsview.tui.place import Place
from nsview.tui.shell import Shell

#: The UI's own screen goes there too; stdout may be a file.
_STDERR = 2


class _Prepared(NamedTuple):
    label: str
    ready: Ready
    stack: contextlib.ExitStack
    """Closes what is held."""


class StepInside:
    """The app's way inside."""

    def __init__(self, app: Shell) -> None:
        self._app = app

    def begin(self, place: Place, snapshot: Snapshot, choice: Choice | None) -> None:
        """Prepare everything, then lend the terminal to the command; None: never mind."""
        if choice is None:
            return

        def job(procfs: Procfs, _: Snapshot) -> _Prepared | NsviewError:
            stack = contextlib.ExitStack()
            try:
                ready = stack.enter_context(prepare(procfs, place.task, choice))
                return _Prepared(place.label, ready, stack)
            except NsviewError as error:
                return error

        self._app.scanner.submit(job, snapshot, self._receive)

    def _receive(self, result: _Prepared | NsviewError) -> None:
        if isinstance(result, NsviewError):
            self._app.complain(result)
            return
        with result.stack:
            outcome = self._run(result)
        if isinstance(outcome, NsviewError):
            self._app.complain(outcome)
            return
        if outcome.lacking:
            self._app.say("; ".join(outcome.lacking), title="partial", severity="warning")
        command = shlex.join(result.ready.choice.command) or "the shell"
        words = outcome.exec_words or f"{command} in {result.label}"
        severity = "warning" if outcome.status else "information"
        self._app.say(words, title=how_it_ended(outcome), severity=severity)
        if outcome.ended_by is not None:  # somebody wants an end of nsview, not of the shell
            self._app.exit(return_code=128 + outcome.ended_by)

    def _run(self, one: _Prepared) -> Outcome | NsviewError:
        try:
            # Whatever goes wrong in the block is kept: an exception would leave the app suspended
            # (textual 8.2).
            with self._app.suspend(), _no_interrupts():
                _tell(f"in {one.label}; Ctrl-] three times hangs up")
                try:
                    outcome = one.ready.run(lambda *_: None)
                except NsviewError as error:
                    return error
                except OSError as error:
                    return refusal(error)
                if not _was_seen(outcome, one.ready.choice):
                    _wait_for_enter()
                return outcome
        except SuspendNotSupported:
            return NsviewError("this terminal cannot be lent to a shell")


def shell_choice() -> Choice:
    """A shell as the process's own user, confined as it is."""
    return Choice(terminal=True, interactive=True, stdout=_STDERR)


def how_it_ended(outcome: Outcome) -> str:
    """In few words, for the title of the notification."""
    if outcome.detached:
        return "hung up"
    if outcome.signal is not None:
        return f"ended by signal {outcome.signal}: {signal.strsignal(outcome.signal)}"
    return f"exit status {outcome.status}"


def _was_seen(outcome: Outcome, choice: Choice) -> bool:
    """Whether nobody minds that the UI covers what the command has said.

    A command's output is what it was called for; a shell that ended by itself has said why.
    """
    if outcome.detached or outcome.ended_by is not None:
        return True
    return not choice.command and (outcome.status == 0 or outcome.typed)


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Ctrl-C is the command's; in between it must not end the UI, which asyncio makes of it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(words: str) -> None:
    assert sys.__stderr__ is not None  # the UI has its screen there
    sys.__stderr__.write(f"nsview: {display(words)}\n")
    sys.__stderr__.flush()


def _wait_for_enter() -> None:
    _tell("Enter goes back")
    with contextlib.suppress(OSError):  # the terminal is gone
        while (typed := os.read(0, 1024)) and b"\n" not in typed:
            continue
