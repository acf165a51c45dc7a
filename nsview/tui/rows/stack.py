"""A stack of layers as rows, newest on top, and what is known of one of them as facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nsview.layers.sizes import closed_words
from nsview.layers.stack import Layer, Resolution, Role, Stack
from nsview.layers.waste import Waste
from nsview.tui.row_layout import Cell, Column, Row
from nsview.tui.rows.grid import Grid, fact
from nsview.units import byte_size

STACK_COLUMNS: Final = (
    Column(key="index", title="#", align="right", sortable=False),
    Column(key="role", title="LAYER", min_width=8, sortable=False),
    Column(key="size", title="SIZE", min_width=7, align="right", sortable=False),
    Column(key="files", title="FILES", min_width=6, align="right", worth=1, sortable=False),
    Column(key="made", title="MADE BY", min_width=12, flex=True, sortable=False),
)
_ROLES: Final[dict[Role, str]] = {
    "upper": "writable", "init": "init", "lower": "image", "data": "data", "branch": "branch",
}  # fmt: skip
_RESOLUTIONS: Final[dict[Resolution, str]] = {
    "exact": "exactly as the kernel names it",
    "relative": "relative to the writable layer's home",
    "by-device": "by the same mount in the mounter's namespace",
    "fd": "by the engine's own file; the kernel was passed descriptors",
    "suffix": "by its last two names below the engine's directory",
    "store": "by the engine's files; the kernel does not say",
    "unresolvable": "nothing says for sure which directory it is",
}
_INIT_WORDS: Final = "hosts, hostname, resolv.conf, mount points"
_NOP: Final = "/bin/sh -c #(nop) "
_SHELL: Final = "/bin/sh -c "


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a layer holds, as far as it is known."""

    files: int = 0
    bytes: int = 0
    complete: bool = False
    closed: int = 0
    """Directories that may not be read, and so do not count."""
    problem: str | None = None

    @property
    def done(self) -> bool:
        """There will be no more."""
        return self.complete or self.problem is not None


def role_words(layer: Layer) -> str:
    """What kind of layer it is; a read-only topmost one takes no writes."""
    if layer.role == "upper" and not layer.writable:
        return "topmost"
    return _ROLES[layer.role]


def instruction(layer: Layer) -> str:
    """In the Dockerfile's words: the classic builder wrote ``/bin/sh -c #(nop) CMD ...``."""
    words = layer.created_by or ""
    words = words.removeprefix(_NOP).strip()
    return words.replace(_SHELL, "RUN ", 1) if words.startswith(_SHELL) else words


def stack_rows(stack: Stack, sizes: Mapping[int, Size], changes: int | None) -> list[Row]:
    """A row for each layer by its index; `changes`: how many the topmost one has."""
    return [
        _layer_row(layer, sizes.get(layer.index), changes if layer.index == 0 else None)
        for layer in stack.layers
    ]


def _layer_row(layer: Layer, size: Size | None, changes: int | None) -> Row:
    made = Cell(instruction(layer))
    if not made.text and layer.role == "init":
        made = Cell(_INIT_WORDS, "dim")
    elif not made.text and layer.role == "upper" and changes is not None:
        words = f"{changes:,} {'change' if changes == 1 else 'changes'}"
        made = Cell(words, "modified") if changes else Cell("no changes", "dim")
    elif not made.text:
        made = Cell(layer.digest or layer.shown_as, "dim")
    if layer.path is None:
        made = Cell(f"not found: {layer.shown_as}", "alert")
    role = Cell(role_words(layer), "accent" if layer.writable else "")
    return Row(layer.index, (Cell(str(layer.index)), role, *_size_cells(size), made))


def _size_cells(size: Size | None) -> tuple[Cell, Cell]:
    if size is None or size.problem is not None:
        return Cell("–", "dim"), Cell("–", "dim")
    if not size.complete:  # still walking
        return Cell(f"~{byte_size(size.bytes)}", "dim"), Cell(f"~{size.files:,}", "dim")
    least = "~" if size.closed else ""
    return Cell(f"{least}{byte_size(size.bytes)}"), Cell(f"{least}{size.files:,}")


def layer_grid(layer: Layer, size: Size | None, waste: Waste | None) -> Grid:
    """Everything about one layer."""
    access = "takes all writes" if layer.writable else "read-only"
    rows = [fact("layer", f"{layer.index} {role_words(layer)}, {access}")]
    if words := instruction(layer):
        rows.append(fact("made by", words))
    if layer.directory is None:
        rows.append(fact("directory", f"not found; the kernel says {layer.shown_as}", "alert"))
    else:
        rows.append(fact("directory", layer.directory))
    rows.append(fact("resolved", _RESOLUTIONS[layer.resolution]))
    if layer.digest is not None:
        rows.append(fact("digest", layer.digest))
    if layer.chain_id not in (None, layer.digest):
        rows.append(fact("chain id", layer.chain_id or ""))
    if size is not None and size.problem is not None:
        rows.append(fact("size", size.problem, "alert"))
    elif size is not None and size.closed:
        rows.append(fact("size", f"without {closed_words(size.closed)}", "alert"))
    if waste is not None:
        rows.append(fact("hidden", _hidden(waste.layers[layer.index])))
    return Grid(title="", rows=tuple(rows))


def _hidden(count: int) -> str:
    return f"{byte_size(count)} that layers above hide" if count else "nothing"


def total_words(
    stack: Stack, sizes: Mapping[int, Size], waste: Waste | str | None, *, seeking: bool
) -> str:
    """``118M on disk · 9.2M hidden by upper layers``: what the stack is as a whole."""
    found = [layer.index for layer in stack.layers if layer.path is not None]
    known = [sizes[index] for index in found if index in sizes]
    partial = len(known) < len(found) or not all(size.done and not size.closed for size in known)
    total = sum(size.bytes for size in known)
    words = f"{'~' if partial else ''}{byte_size(total)} on disk"
    if seeking:
        return f"{words} · looking for hidden bytes ..."
    if isinstance(waste, Waste):
        return f"{words} · {byte_size(waste.wasted)} hidden (w)"
    return f"{words} · w: how much is hidden"


def partial_grid(reasons: Iterable[str]) -> Sequence[Grid]:
    """What could not be found out."""
    rows = tuple((Cell(reason, "alert"),) for reason in reasons)
    return [Grid(title="", rows=rows)] if rows else []
