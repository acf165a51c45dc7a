"""``nsview files``: a directory in a container, with the layer that each name comes from."""

from __future__ import annotations

import stat

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_notes, print_table
from nsview.cli.place import add_place, path_errors, reference_and_path
from nsview.cli.reach import reach_with_ids
from nsview.cli.source import open_source
from nsview.cli.words import byte_size, dash, local_time
from nsview.errors import NoSuchObject, NsviewError
from nsview.kernel.idmap import to_outside
from nsview.layers.entry import Entry
from nsview.layers.merge import MergedTree
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from nsview.sandbox.subordinate import Ids

_TITLES = ("MODE", "UID", "GID", "SIZE", "MODIFIED", "LAYER", "CHANGE", "NAME")
_LETTERS = {
    "directory": "d",
    "symlink": "l",
    "fifo": "p",
    "socket": "s",
    "character": "c",
    "block": "b",
    "whiteout": "w",
}

EPILOG = """\
What a process inside would see, read from the layers: no process of the container is asked. LAYER
is the one that provides it (0 is the topmost). CHANGE, against the layers below the topmost: A
added, C changed. With --layer the directory of that layer alone: against those below it, deletions
(D, whiteouts) included.

  nsview files web /etc
  nsview files web /etc --layer 0
  nsview files --dirs /srv/changes:/srv/base /"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whose directory."""
    add_place(parser)
    parser.add_argument("--layer", type=int, metavar="N", help="only what this layer has there")
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """Show it."""
    reference, path = reference_and_path(arguments, default="/")
    with open_source(reference, arguments.dirs) as source, path_errors(path):
        entries, ids = reach_with_ids(lambda: _entries(source.tree, path, arguments.layer))
    if ids is not None:
        entries = [_with_ids(entry, ids) for entry in entries]
    if arguments.json:
        print_json({"entries": [_json(entry) for entry in entries]}, source.partial)
        return 0
    print_notes(source.partial)
    print_table(_TITLES, [_row(entry) for entry in entries], right=frozenset(_TITLES[1:4]))
    return 0


def _entries(tree: MergedTree, path: str, layer: int | None) -> list[Entry]:
    if layer is not None:
        if not 0 <= layer < len(tree.stack.layers):
            raise NsviewError(f"there is no layer {layer}, but 0 to {len(tree.stack.layers) - 1}")
        entries = tree.list_layer(path, layer)
        if entries is None:
            raise NoSuchObject(f"{path}: no such directory in layer {layer}")
        return entries
    resolved = tree.resolve(path)
    entries = tree.list(resolved)
    if entries is not None:
        return entries
    entry = tree.lookup(resolved)
    if entry is None:
        raise NoSuchObject(f"{path}: no such file")
    return [entry]


def _with_ids(entry: Entry, ids: Ids) -> Entry:
    """As it is on disk, and seen by all but root of that user namespace."""
    uid, gid = to_outside(ids.uids, entry.uid), to_outside(ids.gids, entry.gid)
    return entry._replace(
        uid=entry.uid if uid is None else uid, gid=entry.gid if gid is None else gid
    )


def _row(entry: Entry) -> tuple[str, ...]:
    name = entry.name if entry.link is None else f"{entry.name} -> {entry.link}"
    mode = stat.filemode(entry.mode)[1:]
    return (
        _LETTERS.get(entry.type, "-") + mode,
        str(entry.uid),
        str(entry.gid),
        byte_size(entry.size) if entry.type == "file" else "-",
        local_time(entry.mtime_ns),
        ",".join(map(str, entry.layers)) or str(entry.layer),
        dash(entry.change),
        name if entry.broken is None else f"{name} ({entry.broken})",
    )


def _json(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "type": entry.type,
        "size": entry.size,
        "mode": entry.mode,
        "uid": entry.uid,
        "gid": entry.gid,
        "mtime": entry.mtime_ns / 1e9,
        "layer": entry.layer,
        "layers": list(entry.layers),
        "hidden": list(entry.hidden),
        "change": entry.change,
        "link": entry.link,
        "opaque": entry.opaque,
        "broken": entry.broken,
    }
