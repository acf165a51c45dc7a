"""What can go wrong, in words for people.

::

    NsviewError              exit 1
    ├── NoSuchObject         exit 3   no such container, process or namespace (or it is gone)
    │   └── Ambiguous        exit 3   several fit; the candidates are listed
    └── NotPermitted         exit 4   the kernel does not let this user look or act

Exit codes are decided by the command line alone (`nsview.cli.exit_codes`). A process that vanishes
while it is read is no error: readers return ``None`` and their callers go on.
"""

from __future__ import annotations

import os


class NsviewError(Exception):
    """Something failed; the message is one line, `hint` says what to try."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NoSuchObject(NsviewError):  # noqa: N818 - named for the condition, as the kernel's ESRCH is
    """The named container, process or namespace does not exist, or is gone."""


class Ambiguous(NoSuchObject):
    """Several objects fit the reference."""

    def __init__(self, reference: str, candidates: list[str]) -> None:
        super().__init__(f"{reference!r} is ambiguous", hint="it may be " + ", ".join(candidates))
        self.candidates = candidates


class NotPermitted(NsviewError):  # noqa: N818 - named for the condition, as the kernel's EPERM is
    """The kernel refused: a capability or root is missing."""


def refusal(error: OSError) -> NsviewError:
    """What nobody has foreseen that the kernel would refuse, in one line: no space, no memory,
    no descriptor, no right."""
    kind = NotPermitted if isinstance(error, PermissionError) else NsviewError
    name = error.filename
    where = f"{os.fsdecode(name)}: " if isinstance(name, str | bytes) and name else ""
    return kind(f"{where}{error.strerror or error}")


def may_not_be_read(what: str) -> NotPermitted:
    """The error that says so, with a hint for everybody but root."""
    hint = "root may (sudo nsview ...)" if os.geteuid() != 0 else None
    return NotPermitted(f"{what} may not be read", hint=hint)
