"""``nsview stop``: end sandboxes."""

from __future__ import annotations

import math

from nsview.cli.arguments import Arguments, bad_value
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

EPILOG = """\
REF is the name, the ref (nsview/web) or the start of the id of a sandbox that nsview run made.
What it wrote is kept, see nsview diff, until nsview rm; one that was made with --rm is removed.
Root may end those of users, too (nsview@1000/web), and does it with no more than their rights."""

_PATIENCE = 10.0


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which, and how patiently."""
    parser.add_argument("ref", nargs="+", metavar="REF", help="a sandbox")
    parser.add_argument(
        "-t",
        "--time",
        type=_seconds,
        default=_PATIENCE,
        metavar="S",
        help="seconds between SIGTERM and SIGKILL (default: 10)",
    )


def run(arguments: Arguments) -> int:
    """Stop them one after the other."""
    from nsview.sandbox.owners import find_sandbox, stop

    for sandbox in [find_sandbox(one) for one in arguments.ref]:
        stop(sandbox, arguments.time)
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)  # argparse reports the ValueError
    if not 0 <= seconds < math.inf:
        raise bad_value(f"{text} is no number of seconds")
    return seconds
