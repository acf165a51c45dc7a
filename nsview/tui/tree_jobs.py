"""What is read of a stack for the screen. Called on a `TreeReader`'s thread."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from nsview.display import display
from nsview.layers.blame import Blame, blame
from nsview.layers.diff import Changed, compare, diff_docker
from nsview.layers.entry import Entry
from nsview.layers.merge import MergedTree
from nsview.layers.sizes import Cancelled, LayerSize, measure_layer
from nsview.layers.stack import Layer, Stack
from nsview.layers.waste import Waste, find_waste
from nsview.tui.cost import Cost, Meter
from nsview.tui.rows.contents import MOST_BYTES, Dump, dump
from nsview.tui.rows.files import Hidden, Listing
from nsview.tui.rows.stack import Size
from nsview.tui.tree_reader import Reading
from nsview.units import byte_size

_CHUNK: Final = 1 << 18
#: A directory of more names takes so long to read that people notice.
_MANY: Final = 5000
#: So many of them are seen at first.
_SCREENFUL: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The topmost layer against those below it."""

    changes: tuple[Changed, ...] = ()
    problem: str | None = None
    cost: Cost = field(default_factory=Cost, compare=False)
    """Of finding out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The beginning of a file's contents, or why it cannot be read."""

    path: str
    """Links in the path that was asked for are followed here."""
    dump: Dump | None = None
    size: int = 0
    problem: str | None = None


class Blamed(NamedTuple):
    """What the layers of a stack say of a path, or why that cannot be found out."""

    path: str
    stack: Stack
    layers: Sequence[Blame]
    problem: str | None = None


def read_first(tree: MergedTree, path: str, layer: int | None) -> Listing | None:
    """The first names of a directory that takes long to read; None: it does not."""
    try:
        names = tree.names(path, layer)
    except OSError:  # the whole of it will tell
        return None
    if len(names) <= _MANY:
        return None
    first = _first_of(names)
    return replace(read_listing(tree, path, layer, first), rest=len(names) - len(first))


def read_all(reading: Reading, path: str, layer: int | None) -> Listing:
    """A directory, however large; ends with `Cancelled` when nobody waits for it any more."""
    tree, meter = reading.tree, Meter()
    try:
        names = tree.names(path, layer)
    except OSError as error:
        return Listing(problem=problem_words(error), cost=meter.cost())
    if len(names) <= _MANY:
        return read_listing(tree, path, layer)
    entries: list[Entry] = []
    hides: dict[str, Hidden] = {}
    ordered = sorted(names, key=os.fsencode)
    for start in range(0, len(ordered), _MANY):
        if reading.stopped():
            raise Cancelled
        part = read_listing(tree, path, layer, ordered[start : start + _MANY])
        if part.problem is not None:
            return part
        entries += part.entries
        hides |= part.hides
    return Listing(entries=tuple(entries), hides=hides, cost=meter.cost())


def _first_of(names: Set[str]) -> list[str]:
    """In the order of their bytes, which is that of code points but for what is no UTF-8."""
    plain = "".join(names).isascii()
    return heapq.nsmallest(_SCREENFUL, names, key=None if plain else os.fsencode)


def read_listing(
    tree: MergedTree, path: str, layer: int | None, wanted: Iterable[str] | None = None
) -> Listing:
    """One directory, merged or of one layer alone; or those `wanted` of it."""
    meter = Meter()
    try:
        if layer is None:
            entries, hides = tree.list(path, wanted), {}
        else:
            entries = tree.list_layer(path, layer, wanted)
            hides = _hidden_below(tree, path, layer, entries or [])
    except OSError as error:
        return Listing(problem=problem_words(error), cost=meter.cost())
    if entries is None:
        found = any(one.path is not None for one in tree.stack.layers)
        gone = "no directory any more" if found else f"its layers were not found{_takes_root()}"
        return Listing(problem=gone, cost=meter.cost())
    if len(tree.stack.layers) == 1:  # nothing is added to nothing
        entries = [one._replace(change=None) for one in entries]
    return Listing(entries=tuple(entries), hides=hides, cost=meter.cost())


def _hidden_below(
    tree: MergedTree, path: str, layer: int, entries: list[Entry]
) -> dict[str, Hidden]:
    """What would be seen under these names if `layer` and all above it were not there."""
    hiding = {one.name for one in entries if _hides(one)}
    places = tree.directory(path, layer + 1) if hiding else None
    if not places:
        return {}
    hidden = {}
    for name, one in tree.union_below(layer + 1).children(places, hiding).items():
        if not one.whiteout:
            layers = tuple(sorted({*one.layers, *one.hidden}))
            size = one.attributes.size if one.attributes.type == "file" else None
            hidden[name] = Hidden(layers, size)
    return hidden


def _hides(entry: Entry) -> bool:
    return entry.opaque or entry.change == "D" or (entry.change == "C" and not _merges(entry))


def _merges(entry: Entry) -> bool:
    return entry.type == "directory" and not entry.opaque


def read_size(reading: Reading, layer: Layer) -> Size:
    """Walk a layer; what is known so far is reported."""

    def progress(so_far: LayerSize) -> None:
        reading.report(lambda: (layer.index, Size(files=so_far.files, bytes=so_far.bytes)))

    try:
        size = measure_layer(layer, reading.stopped, progress)
    except OSError as error:
        return Size(problem=problem_words(error))
    return Size(files=size.files, bytes=size.bytes, closed=size.closed, complete=True)


def read_changes(tree: MergedTree, before: Stack | None = None) -> Changes:
    """As ``docker diff`` has them; or against another stack, by the same rules."""
    meter = Meter()
    problem = _lacks_top(tree.stack) or (_has_no_image(tree.stack) if before is None else None)
    if problem is not None:
        return Changes(problem=problem, cost=meter.cost())
    try:
        if before is None:
            changes = tuple(diff_docker(tree))
        else:
            with MergedTree(before) as other:
                changes = tuple(compare(tree, other))
    except OSError as error:
        return Changes(problem=problem_words(error), cost=meter.cost())
    return Changes(changes=changes, cost=meter.cost())


def _lacks_top(stack: Stack) -> str | None:
    """Without its writable layer nobody can tell what a container has changed."""
    if stack.layers and stack.layers[0].path is None:
        return f"its writable layer was not found{_takes_root()}"
    return None


def _has_no_image(stack: Stack) -> str | None:
    """All that is there would count as added; of a host's root, that is a walk of the disk."""
    if len(stack.layers) == 1:
        return "its root is one directory: there are no layers below to tell changes from"
    return None


def read_waste(reading: Reading) -> Waste | str:
    """What lower layers store and nobody can see."""
    try:
        return find_waste(reading.tree, reading.stopped)
    except OSError as error:
        return problem_words(error)


def read_blame(tree: MergedTree, path: str, stack: Stack | None = None) -> Blamed:
    """What each layer says of a path, in another stack if one is given."""
    if stack is not None:
        with MergedTree(stack) as other:
            return read_blame(other, path)
    try:
        return Blamed(path, tree.stack, blame(tree, path))
    except OSError as error:
        return Blamed(path, tree.stack, (), problem_words(error))


def read_file(tree: MergedTree, path: str, stack: Stack | None = None) -> File:
    """The beginning of a file, as it is in another stack if one is given."""
    if stack is not None:
        with MergedTree(stack) as other:
            return read_file(other, path)
    try:
        found = tree.resolve(path)
        fd = tree.open_file(found)
        try:
            size = os.fstat(fd).st_size
            data = _read(fd, MOST_BYTES)
        finally:
            os.close(fd)
    except OSError as error:
        return File(path=path, problem=problem_words(error))
    return File(path=found, dump=dump(data), size=size)


def _read(fd: int, most: int) -> bytes:
    pieces = []
    while most and (piece := os.read(fd, min(most, _CHUNK))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def file_note(file: File) -> str:
    """How much of it is shown."""
    if file.dump is None:
        return ""
    whole = not file.dump.cut and file.size <= MOST_BYTES
    size = byte_size(file.size)
    return size if whole else f"the beginning of {size}"


def problem_words(error: OSError) -> str:
    """What the kernel said, in one line."""
    words = error.strerror or str(error)
    hint = _takes_root() if isinstance(error, PermissionError) else ""
    return display(words[:1].lower() + words[1:] + hint)


def _takes_root() -> str:
    return ": that takes root" if os.geteuid() else ""
