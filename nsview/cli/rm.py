"""``nsview rm``: remove sandboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsview.cli.arguments import Arguments

if TYPE_CHECKING:
    from argparse import ArgumentParser


EPILOG = """\
Removes a sandbox that nsview run made, with its writable layer. Directories that it was given
(--rootfs, --lower, --upper) stay as they are."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which."""
    parser.add_argument("ref", nargs="+", metavar="REF", help="a sandbox")
    parser.add_argument("-f", "--force", action="store_true", help="kill it first if it runs")


def run(arguments: Arguments) -> int:
    """Remove them one after the other."""
    from nsview.sandbox.control import find_sandbox, remove_sandbox

    for identity in [find_sandbox(one) for one in arguments.ref]:
        remove_sandbox(identity, force=arguments.force)
    return 0
