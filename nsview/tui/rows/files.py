"""Directories of a stack as rows of a tree: what has been listed so far, filtered and sorted."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from nsview.display import display
from nsview.layers.entry import Change, Entry, FileType
from nsview.tui.cost import Cost
from nsview.tui.row_layout import Cell, Column, Row
from nsview.tui.rows.file_options import FileOptions, Fits
from nsview.units import byte_size

#: So many rows of one directory at first; the cursor on the last line brings more.
FIRST_ROWS: Final = 1000
ROOT: Final = "/"

LETTERS: Final[dict[Change | None, str]] = {"A": "A", "C": "M", "D": "D", None: " "}
STYLES: Final[dict[Change | None, str]] = {"A": "added", "C": "modified", "D": "removed", None: ""}
_FORMATS: Final[dict[FileType, int]] = {
    "file": stat.S_IFREG,
    "directory": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "fifo": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
    "character": stat.S_IFCHR,
    "block": stat.S_IFBLK,
}
_NONE: Final = Cell("–", "dim")
#: Nobody knows what is in it: it is shown when only large files are.
_DIRECTORY_SIZE: Final = 1 << 63
_COLUMNS: Final = (
    Column(key="change", title="", width=1, sortable=False),
    Column(key="mode", title="MODE", width=10, worth=2, sortable=False),
    Column(key="owner", title="UID:GID", max_width=15, align="right", worth=1, sortable=False),
    Column(key="size", title="SIZE", min_width=7, align="right"),
)
_NAME: Final = Column(key="name", title="NAME", min_width=12, tree=True, flex=True)
_LAYER: Final = Column(key="layer", title="LAYER", max_width=9, align="right", sortable=False)
_HIDES: Final = Column(key="layer", title="HIDES", min_width=8, max_width=16, sortable=False)
MERGED_COLUMNS: Final = (*_COLUMNS, _LAYER, _NAME)
LAYER_COLUMNS: Final = (*_COLUMNS, _HIDES, _NAME)


class Hidden(NamedTuple):
    """What a name in a layer hides."""

    layers: tuple[int, ...]
    """Those below that have it too and would be seen, topmost first."""
    size: int | None
    """Of the regular file that would be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One directory as it was read, or why it could not be."""

    entries: Sequence[Entry] = ()
    hides: Mapping[str, Hidden] = field(default_factory=dict)
    rest: int = 0
    """So many names come after these and are still being read."""
    problem: str | None = None
    cost: Cost = field(default_factory=Cost, compare=False)
    """Of reading it."""


_Lines = Iterator["_Lines"]


class FileTreeRows(NamedTuple):
    """What there is to draw, and what would have to be read for the rest."""

    rows: list[Row]
    missing: list[str]
    """Unfolded directories that have not been listed."""


def path_below(directory: str, name: str) -> str:
    """The path of a name in a directory."""
    return directory + name if directory == ROOT else f"{directory}/{name}"


def file_rows(
    listings: Mapping[str, Listing],
    unfolded: Collection[Hashable],
    options: FileOptions,
    limits: Mapping[str, int],
    *,
    merged: bool,
) -> FileTreeRows:
    """Rows by path. ``(path, "more")`` is a line that stands for what is left of a directory."""
    builder = _Builder(listings, unfolded, options, limits, merged)
    builder.build()
    return FileTreeRows(builder.rows, builder.missing)


@dataclass(slots=True)
class _Builder:
    listings: Mapping[str, Listing]
    unfolded: Collection[Hashable]
    options: FileOptions
    limits: Mapping[str, int]
    merged: bool
    rows: list[Row] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    kept: dict[str, list[Entry]] = field(default_factory=dict)

    def build(self) -> None:
        """Depth first without recursion: a hostile tree may be thousands of levels deep."""
        self._choose()
        stack = [self._lines(ROOT, "")]
        while stack:
            deeper = next(stack[-1], None)
            if deeper is None:
                stack.pop()
            else:
                stack.append(deeper)

    def _choose(self) -> None:
        """What is kept of each directory in sight, the deepest first: it may keep those above."""
        visible = [ROOT]
        for path in visible:
            for entry in self._listed(path).entries:
                if entry.type == "directory":
                    below = path_below(path, entry.name)
                    if below in self.unfolded:
                        visible.append(below)
        fits = self.options.test()
        for path in reversed(visible):
            listing = self._listed(path)
            entries = listing.entries
            if fits is not None:
                entries = [e for e in entries if self._shown(path, e, fits)]
            if self.options.by_size:
                entries = sorted(entries, key=lambda entry: -_size(listing, entry))
            self.kept[path] = list(entries)

    def _shown(self, directory: str, entry: Entry, fits: Fits) -> bool:
        """For its own sake, or as it leads to what is."""
        path = path_below(directory, entry.name)
        if entry.type != "directory":
            return fits(path, entry.change, entry.size if entry.type == "file" else None)
        return bool(self.kept.get(path)) or fits(path, entry.change, _DIRECTORY_SIZE)

    def _listed(self, path: str) -> Listing:
        return self.listings.get(path) or Listing()

    def _lines(self, directory: str, stem: str) -> _Lines:
        """Add a directory's rows; yields the lines below each that is unfolded."""
        listing = self.listings.get(directory)
        if listing is None:
            self.missing.append(directory)
            self._remark(directory, "reading", stem, "reading ...")
            return
        if listing.problem is not None:
            self._remark(directory, "problem", stem, listing.problem)
            return
        kept = self.kept[directory]
        if not kept and not listing.rest and directory != ROOT:
            self._remark(directory, "empty", stem, self._why_nothing(listing))
        limit = self.limits.get(directory, FIRST_ROWS)
        last = len(kept) - 1
        for at, entry in enumerate(kept[:limit]):
            path = path_below(directory, entry.name)
            guide = "" if directory == ROOT else stem + ("└ " if at == last else "├ ")
            unfolded = entry.type == "directory" and path in self.unfolded
            self.rows.append(_row(path, entry, listing, guide, unfolded, self.merged))
            if unfolded:
                below = "" if directory == ROOT else stem + ("  " if at == last else "│ ")
                yield self._lines(path, below)
        more = max(0, len(kept) - limit) + listing.rest
        if more:
            self._remark(directory, "more", stem, f"… {more:,} more")

    def _why_nothing(self, listing: Listing) -> str:
        return "nothing that fits" if listing.entries else "empty"

    def _remark(self, directory: str, kind: str, stem: str, text: str) -> None:
        guide = "" if directory == ROOT else stem + "└ "
        cells = ("",) * len(MERGED_COLUMNS)
        row = Row((directory, kind), (*cells[:-1], Cell(text, "dim")), prefix=guide)
        self.rows.append(row)


def _size(listing: Listing, entry: Entry) -> int:
    hidden = listing.hides.get(entry.name)
    if entry.type == "whiteout" and hidden is not None and hidden.size is not None:
        return hidden.size
    return entry.size if entry.type == "file" else -1


def _row(
    path: str, entry: Entry, listing: Listing, guide: str, unfolded: bool, merged: bool
) -> Row:
    style = STYLES[entry.change]
    hidden = listing.hides.get(entry.name)
    owner = _NONE if entry.type == "whiteout" else Cell(f"{entry.uid}:{entry.gid}")
    return Row(
        path,
        (
            Cell(LETTERS[entry.change], style),
            Cell(mode_text(entry), "" if entry.type != "whiteout" else style),
            owner,
            _size_cell(entry, hidden),
            _provided(entry) if merged else _hides(entry, hidden),
            _name(entry, style),
        ),
        prefix=guide,
        expandable=entry.type == "directory",
        expanded=unfolded,
    )


def mode_text(entry: Entry) -> str:
    """``-rw-r--r--``, or that it is a whiteout."""
    if entry.type == "whiteout":
        return "whiteout"
    return stat.filemode(_FORMATS[entry.type] | entry.mode)


def _size_cell(entry: Entry, hidden: Hidden | None) -> Cell:
    if entry.type == "file":
        return Cell(byte_size(entry.size))
    if entry.type == "whiteout" and hidden is not None and hidden.size is not None:
        return Cell(byte_size(hidden.size), "dim")
    if entry.type in ("character", "block"):
        return Cell(f"{os.major(entry.rdev)},{os.minor(entry.rdev)}")
    return _NONE


def _provided(entry: Entry) -> Cell:
    """The layer that it comes from; ``0+3``: a directory with something of both."""
    others = entry.layers[1:]
    text = str(entry.layer) + (f"+{others[0]}" if others else "") + ("…" if others[1:] else "")
    return Cell(text)


def _hides(entry: Entry, hidden: Hidden | None) -> Cell:
    if hidden is None:
        return Cell("opaque" if entry.opaque else "")
    word = "opaque: " if entry.opaque else ""
    return Cell(word + layer_words(hidden.layers), STYLES[entry.change])


def layer_words(layers: Sequence[int]) -> str:
    """``layer 3``, ``3, 5``."""
    if len(layers) == 1:
        return f"layer {layers[0]}"
    return ", ".join(map(str, layers))


def _name(entry: Entry, style: str) -> Cell:
    # An arrow in a name is told from ours by its colour alone, but the mode says what is a link.
    text = ("✗ " if entry.type == "whiteout" else "") + entry.name
    if entry.link is not None:
        arrow = f" → {entry.link}"
        return Cell(text + arrow, style, ((len(text), len(text) + len(arrow), "dim"),))
    if entry.broken is not None:
        note = f"  {display(entry.broken)}"
        return Cell(text + note, style, ((len(text), len(text) + len(note), "alert"),))
    return Cell(text, style)
