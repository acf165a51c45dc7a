"""``nsview``: the terminal UI, or one of the commands."""

from __future__ import annotations

import gc
import os
import sys

import nsview
from nsview.cli import exit_codes
from nsview.cli.arguments import Arguments, Doubt, Reader, bad_value
from nsview.cli.output import flush, print_error, print_note
from nsview.errors import NoSuchObject, NsviewError, refusal
from nsview.light import import_module, signal, suppress
from nsview.typed import TYPE_CHECKING, Protocol, Sequence

if TYPE_CHECKING:
    from argparse import ArgumentParser

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

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare its arguments."""

    def run(self, arguments: Arguments) -> int:
        """Do it; returns the exit status or raises `NsviewError`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run nsview with `argv`; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words and words[0] in COMMANDS:
            return _run_command(words)
        return _run_ui(words)
    except (NsviewError, OSError) as caught:
        error = refusal(caught) if isinstance(caught, OSError) else caught
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
    words, rest = _split_command(words[1:], getattr(command, "TAKES_COMMAND", False))
    arguments = read_arguments(name, command, words, rest)
    if not os.path.lexists("/proc/self"):
        raise NsviewError("/proc is not mounted", hint="mount -t proc proc /proc")
    if name in _LISTING and name != "top":
        gc.disable()  # it makes a hundred thousand objects once, and ends
    status = command.run(arguments)
    flush()
    return status


def read_arguments(
    name: str, command: Command, words: Sequence[str], rest: Sequence[str]
) -> Arguments:
    """What `words` ask of a command; ends the program where they ask for help, or are wrong.

    `rest` is what followed ``--``.
    """
    prog = f"nsview {name}"
    with suppress(Doubt):
        reader = Reader(prog)
        _declare(name, command, reader)
        return reader.read(words, command=rest)
    from nsview.cli.parser import Parser

    parser = Parser(prog, description=f"{COMMANDS[name]}.", epilog=command.EPILOG)
    _declare(name, command, parser)
    return parser.parse_args(words, Arguments(command=rest))


def _declare(name: str, command: Command, parser: Reader | ArgumentParser) -> None:
    command.add_arguments(parser)  # type: ignore[arg-type]  # a reader has what is used of it
    if name in _LISTING:
        _add_census(parser)


def _split_command(words: list[str], takes_command: bool) -> tuple[list[str], list[str]]:
    """Ours, and what follows ``--``: argparse would take it for more of our own arguments."""
    if not takes_command or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _run_ui(words: list[str]) -> int:
    from nsview.cli.ui import open_ui

    return open_ui(_ui_parser().parse_args(words, Arguments()), words)


def _ui_parser() -> ArgumentParser:
    from nsview.cli.parser import Parser

    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    parser = Parser(
        "nsview",
        usage="nsview [options] [REF]\n       nsview COMMAND ...",
        description="See how every container on this host is made: namespaces, PIDs, cgroups, "
        "layers.\n`nsview` alone, or `nsview REF`, opens the terminal UI.\n\n"
        f"commands:\n{listing}",
        epilog=_EPILOG,
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


def _add_census(parser: Reader | ArgumentParser) -> None:
    from nsview.host.census_choice import WANTED

    parser.add_argument(
        "--census",
        choices=WANTED,
        default="auto",
        help="read processes from /proc or by a BPF iterator (default: what costs less here)",
    )


def _seconds(text: str) -> float:
    import math

    seconds = float(text)  # argparse reports the ValueError
    if not math.isfinite(seconds):
        raise bad_value(f"{text} is no number of seconds")
    return seconds
