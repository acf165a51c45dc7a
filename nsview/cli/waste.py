"""``nsview waste``: bytes that lower layers store and nobody can see."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_note, print_notes, print_table
from nsview.cli.place import add_place, only_reference
from nsview.cli.reach import reach
from nsview.cli.source import open_source
from nsview.cli.words import byte_size
from nsview.layers.waste import Wasted, find_waste
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_TITLES = ("SIZE", "FILES", "LAYER", "HIDDEN BY", "HOW", "PATH")
_SHOWN = 50

EPILOG = """\
Counted is what could be reclaimed: the copies below, not the one that is seen. HOW: replaced (by
something of that name), deleted (by a whiteout), opaque (by a directory that hides those below).
The efficiency is the part of all stored bytes that can be seen.

  nsview waste web
  nsview waste --dirs /srv/changes:/srv/base"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whose layers."""
    add_place(parser, path=None)
    parser.add_argument("--all", action="store_true", help=f"more than the {_SHOWN} largest")
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """Show them."""
    with open_source(only_reference(arguments), arguments.dirs) as source:
        waste = reach(lambda: find_waste(source.tree), lambda waste: not waste.closed)
    notes = [*source.partial, *waste.notes]
    if arguments.json:
        document = {
            "wasted": waste.wasted,
            "total": waste.total,
            "efficiency": waste.efficiency,
            "layers": [{"index": index, "wasted": size} for index, size in enumerate(waste.layers)],
            "items": [_json(item) for item in waste.items],
        }
        print_json(document, notes)
        return 0
    print_notes(notes)
    items = waste.items if arguments.all else waste.items[:_SHOWN]
    print_table(_TITLES, [_row(item) for item in items], right=frozenset(_TITLES[:4]))
    print_note(
        f"{byte_size(waste.wasted)} of {byte_size(waste.total)} cannot be seen, "
        f"efficiency {waste.efficiency:.1%}"
    )
    if len(items) < len(waste.items):
        print_note(f"{len(waste.items) - len(items)} smaller ones are shown with --all")
    return 0


def _row(item: Wasted) -> tuple[str, ...]:
    size = byte_size(item.size)
    return size, str(item.files), str(item.layer), str(item.by), item.how, item.path


def _json(item: Wasted) -> dict[str, object]:
    return {
        "path": item.path,
        "layer": item.layer,
        "hidden_by": item.by,
        "how": item.how,
        "size": item.size,
        "files": item.files,
    }
