"""Find an option on the command line of a running daemon."""

from __future__ import annotations

from nsview.typed import Sequence


def option(command: Sequence[str], *names: str) -> str | None:
    """The value that the last of ``--name VALUE``, ``--name=VALUE``, ``-nVALUE`` gives.

    It may stand where no option is looked for: a daemon's first words are its own, and a value that
    merely looks like one costs a directory that does not exist.
    """
    value = None
    for index, word in enumerate(command):
        for name in names:
            if word == name:
                value = command[index + 1] if index + 1 < len(command) else value
            elif word.startswith(name + "="):
                value = word[len(name) + 1 :]
            elif len(name) == 2 and word.startswith(name):
                value = word[2:]
    return value


def path_option(command: Sequence[str], *names: str) -> str | None:
    """The same, if it is an absolute path."""
    value = option(command, *names)
    return value if value is not None and value.startswith("/") else None
