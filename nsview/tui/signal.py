"""Send a signal to a process: choose one, confirm, and it goes to exactly that process."""

from __future__ import annotations

import os
import signal
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from nsview.display import display
from nsview.kernel.pidfd import open_process, send_signal
from nsview.kernel.procfs import Procfs
from nsview.tui.dialog import ChoiceScreen
from nsview.tui.window import Window

#: What people send, the gentle ones first (signal(7)).
SIGNALS = (
    (signal.SIGTERM, "terminate: asks it to end"),
    (signal.SIGHUP, "hang up: many services reload then"),
    (signal.SIGINT, "interrupt: Ctrl-C"),
    (signal.SIGQUIT, "quit, with a core dump"),
    (signal.SIGKILL, "kill: the kernel ends it, it is not asked"),
    (signal.SIGSTOP, "stop until SIGCONT, it is not asked"),
    (signal.SIGCONT, "continue"),
    (signal.SIGUSR1, "user-defined 1"),
    (signal.SIGUSR2, "user-defined 2"),
    (signal.SIGWINCH, "window size: some servers end gracefully"),
)


def signal_choice(label: str) -> ChoiceScreen[int]:
    """The list; gives back the number of the signal."""
    choices = [(int(one), f"{one.name:<9} {int(one):>2}  {what}") for one, what in SIGNALS]
    return ChoiceScreen(f"signal for {label}", choices, note="Enter choose   Esc cancel")


class _Answer(Static):
    # A click presses the key.
    def __init__(self, key: str, word: str) -> None:
        super().__init__(f"{key} {word}", markup=False, classes="answer")
        self._key = key

    def on_click(self, event: events.Click) -> None:
        event.stop()  # it is not one beside the window
        self.app.simulate_key(self._key)


class ConfirmScreen(Window[bool]):
    """Asks once more. Only `y` is yes; Enter alone is not, it may still be in the fingers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,q", "answer(False)", "no"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = display(question)

    def compose(self) -> ComposeResult:
        """The question, and the two answers."""
        with Vertical(classes="window"):
            yield Static(self._question, markup=False, classes="title")
            with Horizontal():
                yield _Answer("y", "yes")
                yield _Answer("n", "no")

    def action_answer(self, yes: bool) -> None:
        """Give back the answer."""
        self.dismiss(yes)


def deliver(procfs: Procfs, pid: int, start_time: int, number: int) -> str | None:
    """Send the signal to the process of that identity; what went wrong in words, or None."""
    try:
        pidfd = open_process(pid, start_time, procfs)
    except ProcessLookupError:
        return f"process {pid} is gone"
    except OSError as error:
        return f"process {pid}: {error.strerror}"
    try:
        send_signal(pidfd, number)
    except ProcessLookupError:
        return f"process {pid} is gone"
    except OSError as error:
        return f"process {pid}: {error.strerror}"
    finally:
        os.close(pidfd)
    return None
