"""The streams of a command that runs inside: a terminal of its own, or ours passed on."""

from __future__ import annotations

import os

from nsview.cli.arguments import SWITCH, Arguments
from nsview.errors import NsviewError
from nsview.light import suppress
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

STDOUT = 1
STDERR = 2


def add_streams(parser: ArgumentParser) -> None:
    """Declare what `wanted_streams` reads."""
    parser.add_argument(
        "-t",
        "--tty",
        action=SWITCH,
        help="on a terminal of its own; default: when stdin and stdout are terminals",
    )
    parser.add_argument(
        "-i",
        "--interactive",
        action=SWITCH,
        help="pass our stdin on; default: unless it is a terminal and the command has none",
    )
    parser.add_argument(
        "--json", action="store_true", help="how it went, as one object; output goes to stderr"
    )


def wanted_streams(arguments: Arguments, *, detached: bool = False) -> tuple[bool, bool]:
    """Whether the command has a terminal, and whether it gets our stdin."""
    with suppress(OSError):
        on_terminal = os.isatty(0)
        terminal = arguments.tty
        if terminal is None:
            terminal = on_terminal and os.isatty(1) and not arguments.json and not detached
        if terminal and not on_terminal:
            raise NsviewError("stdin is no terminal", hint="leave out --tty")
        interactive = arguments.interactive
        return terminal, not on_terminal or terminal if interactive is None else interactive
    return False, False
