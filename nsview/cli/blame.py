"""``nsview blame``: which layer gives a path, and which hide, remove or lack it."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_notes, print_table
from nsview.cli.place import add_place, path_errors, reference_and_path
from nsview.cli.reach import reach
from nsview.cli.source import open_source
from nsview.cli.words import byte_size, dash, local_time
from nsview.errors import NoSuchObject
from nsview.layers.blame import Blame, blame
from nsview.layers.paths import join_path, split_path
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_TITLES = ("LAYER", "STATE", "TYPE", "SIZE", "MODIFIED", "BY", "DIRECTORY")

EPILOG = """\
Topmost layer first. STATE: provides (this is what is seen; directories are merged), shadowed (it
has the path, and a layer above hides it), whiteout (it deletes the path), opaque (it hides all that
is below, without having the path), absent. BY is the path that hides, where it is another.

  nsview blame web /etc/passwd
  nsview blame --dirs /srv/changes:/srv/base /etc"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whose path."""
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """Show what each layer says."""
    reference, path = reference_and_path(arguments)
    with open_source(reference, arguments.dirs) as source:
        tree = source.tree
        with path_errors(path):
            resolved = reach(lambda: tree.resolve(path, follow_last=False))
            rows = reach(lambda: blame(tree, resolved))
        directories = [layer.path or layer.shown_as for layer in tree.stack.layers]
    if all(row.state in ("absent", "opaque") for row in rows):
        raise NoSuchObject(f"no layer has {join_path(split_path(resolved))}")
    if arguments.json:
        print_json({"path": resolved, "layers": [_json(row) for row in rows]}, source.partial)
        return 0
    print_notes(source.partial)
    table = [_row(row, directories[row.index], resolved) for row in rows]
    print_table(_TITLES, table, right=frozenset({"LAYER", "SIZE"}))
    return 0


def _row(row: Blame, directory: str, path: str) -> tuple[str, ...]:
    return (
        str(row.index),
        f"{row.state}, opaque" if row.opaque else row.state,
        dash(row.type),
        byte_size(row.size) if row.type == "file" else "-",
        "-" if row.mtime_ns is None else local_time(row.mtime_ns),
        row.by if row.by not in (None, path) else "-",
        directory,
    )


def _json(row: Blame) -> dict[str, object]:
    return {
        "index": row.index,
        "state": row.state,
        "type": row.type,
        "size": row.size,
        "mtime": None if row.mtime_ns is None else row.mtime_ns / 1e9,
        "opaque": row.opaque,
        "by": row.by,
    }
