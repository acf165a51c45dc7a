"""``nsview gc``: remove what a killed nsview left."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_line, print_note
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

EPILOG = """\
Finds sandboxes whose launcher was killed before it could clear away: their mounts, control groups
and directories. Prints what it removes. Sandboxes that run, and those that ended and are kept
(nsview ls --all), stay. Root does it for every user that is logged in."""


def add_arguments(parser: ArgumentParser) -> None:
    """It takes none."""


def run(arguments: Arguments) -> int:
    """Remove it; 1 where something resists."""
    from nsview.sandbox.owners import collect

    del arguments
    removed, left = collect()
    for one in removed:
        print_line(one)
    for one in left:
        print_note(f"left: {one}")
    return 1 if left else 0
