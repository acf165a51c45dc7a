"""The status that nsview ends with, and which error leads to which."""

from __future__ import annotations

from nsview.errors import NoSuchObject, NotPermitted, NsviewError

DONE = 0
FAILED = 1
USAGE = 2
NO_SUCH_OBJECT = 3
NOT_PERMITTED = 4
ENTER_FAILED = 125
"""`enter` and `run` pass on their command's status: this is nsview's own, as docker has it."""
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""
_SIGNALLED = 128


def end_cleanly() -> None:
    """Let SIGTERM and SIGHUP end us as Ctrl-C does: by way of what cleans up."""
    import signal

    def end(number: int, _frame: object) -> None:
        raise SystemExit(_SIGNALLED + number)

    for one in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(one) is signal.SIG_DFL:  # nohup(1) has reasons to ignore it
            signal.signal(one, end)


def exit_code(error: NsviewError) -> int:
    """The exit status for an error."""
    if isinstance(error, NoSuchObject):
        return NO_SUCH_OBJECT
    return NOT_PERMITTED if isinstance(error, NotPermitted) else FAILED
