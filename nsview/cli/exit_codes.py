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


def exit_code(error: NsviewError) -> int:
    """The exit status for an error."""
    if isinstance(error, NoSuchObject):
        return NO_SUCH_OBJECT
    return NOT_PERMITTED if isinstance(error, NotPermitted) else FAILED
