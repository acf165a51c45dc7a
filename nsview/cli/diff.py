"""``nsview diff``: what a container has added, changed and deleted since its image."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_notes, print_table
from nsview.cli.place import add_place, only_reference
from nsview.cli.reach import reach
from nsview.cli.source import open_source
from nsview.cli.words import byte_size
from nsview.layers.diff import Changed, compare, diff_docker
from nsview.layers.diff_podman import diff_podman
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_TITLES = ("CHANGE", "SIZE", "PATH")

EPILOG = """\
A added, C changed, D deleted; directories with a change in them are C. The size is that of the file
as it is now, or as it was when it is deleted.

The styles differ as the engines do: podman calls a directory that was deleted and made again D, and
C one whose time alone has changed. --against lists what would turn REF2's tree into REF's.

  nsview diff web
  nsview diff --style podman podman/db
  nsview diff web --against web2
  nsview diff --dirs /srv/changes:/srv/base"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whose changes."""
    add_place(parser, path=None)
    parser.add_argument(
        "--style", choices=("docker", "podman"), default="docker", help="whose rules (docker)"
    )
    parser.add_argument("--against", metavar="REF2", help="another container, not the image")
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """Show them."""
    reference = only_reference(arguments)
    if arguments.against is not None and arguments.style != "docker":
        arguments.usage_error("--against knows one style")
    with open_source(reference, arguments.dirs) as source:
        tree, partial = source.tree, [*source.partial]
        if arguments.against is not None:
            with open_source(arguments.against, None) as other:
                partial += [reason for reason in other.partial if reason not in partial]
                changes = reach(lambda: compare(tree, other.tree))
        elif arguments.style == "podman":
            changes = reach(lambda: diff_podman(tree))
        else:
            changes = reach(lambda: diff_docker(tree))
        if len(tree.top) < 2 and arguments.against is None:
            partial.append("the root is one directory alone: everything in it counts as added")
    if arguments.json:
        print_json({"changes": [change._asdict() for change in changes]}, partial)
        return 0
    print_notes(partial)
    print_table(_TITLES, [_row(change) for change in changes], right=frozenset({"SIZE"}))
    return 0


def _row(change: Changed) -> tuple[str, str, str]:
    return change.kind, "" if change.size is None else byte_size(change.size), change.path
