"""``nsview``: the terminal UI, or one of the commands."""

from __future__ import annotations

import argparse
import gc
import math
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, Protocol

import nsview
from nsview.cli import exit_codes
from nsview.cli.output import flush, print_error, print_note
from nsview.errors import NoSuchObject, NsviewError

#: name -> what it does. The module of that name is imported only when it is called.
COMMANDS = {
    "ls": "Containers of every engine",
    "ps": "Processes with their PID at each level",
    "pid": "Host PID to inner PIDs and back",
    "ns": "Namespaces, and why each is alive",
    "net": "Interfaces, where each leads, ports and who listens",
    "mounts": "A container's mount table as a tree",
    "layers": "A root file system as a stack of directories, topmost first",
    "diff": "What a container added, changed and deleted since its image",
    "files": "A directory in a container, with the layer that each name comes from",
    "cat": "A file of a container, without any process of it",
    "cp": "Files and directories out of a container, without any process of it",
    "blame": "Which layers provide, hide or remove a path",
    "waste": "Bytes that lower layers store and nobody can see",
    "commit": "The writable layer as an image, without a daemon",
    "enter": "A shell or a command inside",
    "run": "A container of our own, without an engine",
    "stop": "End sandboxes that nsview runs",
    "rm": "Remove sandboxes and what they wrote",
    "gc": "Remove what a killed nsview left",
    "top": "What containers use of the machine, again and again",
    "demo": "Three containers to look at, made of nothing and gone at the end",
    "doctor": "What this kernel and these rights allow, and what that costs",
}

#: Commands that look at all processes, and let one say how.
_LISTING = frozenset({"ls", "ps", "pid", "ns", "net", "mounts", "top", "doctor"})

#: Of a help text that goes to no terminal.
_COLUMNS = 80

_EPILOG = """\
REF names a container: web, docker/web, 9f3c (its id, four characters or more), 4711 (a process
on the host), mnt:[4026532180].

nsview COMMAND --help says more. Control characters in what containers wrote are escaped; exact
bytes are in --json. A terminal gets lines cut at its edge, a pipe (| cat) gets all of them.

exit status: 0 done, 1 failed, 2 usage, 3 no such container or process (or several fit),
4 not permitted, 130 interrupted."""


class Command(Protocol):
    """What each command's module offers."""

    EPILOG: str
    """What its --help ends with: units, words, examples."""

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
        if type(error) is NoSuchObject and os.geteuid() != 0:
            print_note("not root: it may be there, and out of sight")
        return exit_codes.exit_code(error)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED


def _run_command(words: list[str]) -> int:
    # A reader that has seen enough (`nsview ps | head`) ends us as it ends any filter.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    name = words[0]
    command: Command = import_module(f"nsview.cli.{name}")
    parser = _Parser(
        prog=f"nsview {name}",
        description=f"{COMMANDS[name]}.",
        epilog=command.EPILOG,
        formatter_class=_Help,
        allow_abbrev=False,  # a script's --js would break when a --jsx comes
    )
    command.add_arguments(parser)
    if name in _LISTING:
        _add_census(parser)
    words, rest = _split_command(words[1:], getattr(command, "TAKES_COMMAND", False))
    arguments = parser.parse_args(words, argparse.Namespace(command=rest))
    if not os.path.lexists("/proc/self"):
        raise NsviewError("/proc is not mounted", hint="mount -t proc proc /proc")
    if name in _LISTING and name != "top":
        gc.disable()  # it makes a hundred thousand objects once, and ends
    status = command.run(arguments)
    flush()
    return status


def _split_command(words: list[str], takes_command: bool) -> tuple[list[str], list[str]]:
    """Ours, and what follows ``--``: argparse would take it for more of our own arguments."""
    if not takes_command or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _run_ui(words: list[str]) -> int:
    from nsview.cli.ui import open_ui

    return open_ui(_ui_parser().parse_args(words), words)


class _Help(argparse.RawDescriptionHelpFormatter):
    # argparse makes one for every option that is declared, and would import shutil for the width.
    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns or _COLUMNS
    except (ValueError, OSError):
        return _COLUMNS


class _Parser(argparse.ArgumentParser):
    # Errors as everywhere else: one line, safe to look at, and a hint.
    def error(self, message: str) -> NoReturn:
        print_error(NsviewError(message, hint=f"{self.prog} --help"))
        raise SystemExit(exit_codes.USAGE)


def _ui_parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    parser = _Parser(
        prog="nsview",
        usage="nsview [options] [REF]\n       nsview COMMAND ...",
        description="See how every container on this host is made: namespaces, PIDs, cgroups, "
        "layers.\n`nsview` alone, or `nsview REF`, opens the terminal UI.\n\n"
        f"commands:\n{listing}",
        epilog=_EPILOG,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("ref", nargs="?", metavar="REF", help="open the UI on this container")
    parser.add_argument(
        "--readonly", action="store_true", help="offer nothing that changes the host"
    )
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=2.0,
        metavar="S",
        help="seconds between looks, 0.5 or more (default: 2)",
    )
    parser.add_argument(
        "--theme", metavar="NAME", help="colours; ansi-dark uses the terminal's own"
    )
    _add_census(parser)
    parser.add_argument("--no-sudo", action="store_true", help="do not offer to become root")
    parser.add_argument("--version", action="version", version=f"nsview {nsview.__version__}")
    return parser


def _add_census(parser: argparse.ArgumentParser) -> None:
    from nsview.host.census_choice import WANTED

    parser.add_argument(
        "--census",
        choices=WANTED,
        default="auto",
        help="read processes from /proc or by a BPF iterator (default: what costs less here)",
    )


def _seconds(text: str) -> float:
    seconds = float(text)  # argparse reports the ValueError
    if not math.isfinite(seconds):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return seconds


def _leave_no_bytecode_of_root() -> None:
    # Root running from a user's venv must not leave root-owned __pycache__ in it: the user's next
    # upgrade would fail on them.
    if os.geteuid() != os.stat(__file__).st_uid:
        sys.dont_write_bytecode = True
