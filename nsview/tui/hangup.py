"""End with the terminal, whatever state the UI is in.

SIGHUP ends us as it ends any program. Somebody may have started us to ignore it (nohup(1), some
session managers), and then the thread that writes to the terminal dies of EIO, and the UI waits
for it for ever (textual 8.2): a process that reads /proc as root until the next boot.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from typing import NoReturn

#: What a shell reports of a program that died of SIGHUP.
_HUNG_UP = 128 + signal.SIGHUP
#: No event but POLLHUP and POLLERR, which come unasked (poll(2)).
_NO_EVENTS = 0


def end_with_terminal(descriptor: int) -> None:
    """Watch a terminal in a thread of its own, which sleeps until the terminal is gone."""
    if os.isatty(descriptor):
        threading.Thread(
            target=_wait, args=(descriptor,), name="nsview-hangup", daemon=True
        ).start()


def _wait(descriptor: int) -> NoReturn:
    poll = select.poll()
    poll.register(descriptor, _NO_EVENTS)
    poll.poll()
    # There is no screen left to put in order, and the UI's own thread may be stuck.
    os._exit(_HUNG_UP)
