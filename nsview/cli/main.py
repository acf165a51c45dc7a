"""``nsview``: the terminal UI, or one of the commands."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

import nsview
from nsview.cli import exit_codes
from nsview.cli.output import print_error
from nsview.errors import NsviewError

#: name -> what it does. The module of that name is imported only when it is called.
COMMANDS = {
    "ls": "containers of every engine",
    "ps": "processes with their PID at each level",
    "pid": "host PID to inner PIDs and back",
    "ns": "namespaces, and why each is alive",
    "mounts": "a container's mount table as a tree",
    "doctor": "what this kernel and these rights allow, and what that costs",
}

_EPILOG = (
    "`nsview COMMAND --help` says more. `nsview` alone, or `nsview REF`, opens the terminal UI."
)


class Command(Protocol):
    """What each command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare its arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; returns the exit status or raises `NsviewError`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run nsview with `argv`; returns the exit status."""
    _leave_no_bytecode_of_root()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words and words[0] in COMMANDS:
            return _run_command(words)
        return _run_ui(words)
    except NsviewError as error:
        print_error(error)
        return exit_codes.exit_code(error)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED


def _run_command(words: list[str]) -> int:
    # A reader that has seen enough (`nsview ps | head`) ends us as it ends any filter.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    name = words[0]
    command: Command = import_module(f"nsview.cli.{name}")
    parser = argparse.ArgumentParser(prog=f"nsview {name}", description=COMMANDS[name] + ".")
    command.add_arguments(parser)
    status = command.run(parser.parse_args(words[1:]))
    sys.stdout.flush()
    return status


def _run_ui(words: list[str]) -> int:
    from nsview.cli.ui import open_ui

    return open_ui(_ui_parser().parse_args(words), words)


def _ui_parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="nsview",
        usage="nsview [options] [REF]\n       nsview COMMAND ...",
        description="See how every container on this host is made: namespaces, PIDs, cgroups, "
        f"layers.\n\ncommands:\n{listing}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("ref", nargs="?", metavar="REF", help="open the UI on this container")
    parser.add_argument(
        "--readonly", action="store_true", help="offer nothing that changes the host"
    )
    parser.add_argument(
        "--interval", type=float, default=2.0, metavar="S", help="seconds between looks (2)"
    )
    parser.add_argument(
        "--theme", metavar="NAME", help="colours; ansi-dark uses the terminal's own"
    )
    parser.add_argument("--no-sudo", action="store_true", help="do not offer to become root")
    parser.add_argument("--version", action="version", version=f"nsview {nsview.__version__}")
    return parser


def _leave_no_bytecode_of_root() -> None:
    # Root running from a user's venv must not leave root-owned __pycache__ in it: the user's next
    # upgrade would fail on them.
    if os.geteuid() != Path(__file__).stat().st_uid:
        sys.dont_write_bytecode = True
