"""``nsview rm``: remove sandboxes."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser


EPILOG = """\
Removes a sandbox that nsview run made, with its writable layer. Directories that it was given
(--rootfs, --lower, --upper) stay as they are. Root may remove those of users, too
(nsview@1000/web), and does it with no more than their rights."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which."""
    parser.add_argument("ref", nargs="+", metavar="REF", help="a sandbox")
    parser.add_argument("-f", "--force", action="store_true", help="kill it first if it runs")


def run(arguments: Arguments) -> int:
    """Remove them one after the other."""
    from nsview.sandbox.owners import find_sandbox, remove

    for sandbox in [find_sandbox(one) for one in arguments.ref]:
        remove(sandbox, force=arguments.force)
    return 0
