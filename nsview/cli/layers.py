"""``nsview layers``: a root file system as the stack of directories that it is."""

from __future__ import annotations

from dataclasses import replace

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_notes, print_table
from nsview.cli.place import add_whose
from nsview.cli.reach import reach
from nsview.cli.source import find_stack
from nsview.cli.words import byte_size, dash
from nsview.layers.sizes import closed_words, measure_layer
from nsview.layers.stack import Layer, Stack
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_TITLES = ("LAYER", "ROLE", "DIRECTORY", "CREATED BY")
_SIZES = ("SIZE", "FILES")
#: No Dockerfile instruction is read in a list beyond this.
_INSTRUCTION = 80

EPILOG = """\
Topmost first. ROLE: upper (takes all writes), init (docker's own: hosts, resolv.conf), lower (the
image), data (contents only), branch (aufs). The words of the instruction that made a layer are the
image's. A `?` stands where nothing says for sure which directory a layer is.

--dirs takes plain directories for the layers, as in lowerdir=: the topmost first, `\\:` for a
colon in a name.

  nsview layers web
  nsview layers --size docker/web
  nsview layers --dirs /srv/changes:/srv/base"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whose layers."""
    add_whose(parser)
    parser.add_argument("--size", action="store_true", help="count files and bytes (reads it all)")
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """Show them."""
    stack, partial, *_ = find_stack(arguments.ref, arguments.dirs)
    if arguments.size:
        stack = _measure(stack)
    notes = (*partial, *stack.notes)
    if arguments.json:
        print_json(_json(stack), notes)
        return 0
    print_notes(notes)
    titles = (*_TITLES[:2], *_SIZES, *_TITLES[2:]) if arguments.size else _TITLES
    rows = [_row(layer, sizes=arguments.size) for layer in stack.layers]
    print_table(titles, rows, right=frozenset({"LAYER", *_SIZES}))
    return 0


def _measure(stack: Stack) -> Stack:
    return reach(lambda: _measured(stack), lambda measured: measured.notes == stack.notes)


def _measured(stack: Stack) -> Stack:
    layers, lost = [], []
    for layer in stack.layers:
        try:
            found = None if layer.path is None else measure_layer(layer)
        except OSError as error:
            found = None
            lost.append(f"layer {layer.index} may not be counted: {error.strerror}")
        if found is not None and found.closed:
            lost.append(f"layer {layer.index} is counted without {closed_words(found.closed)}")
        if found is not None:
            layer = replace(layer, files=found.files, size=found.bytes)
        layers.append(layer)
    return replace(stack, layers=tuple(layers), notes=(*stack.notes, *lost))


def _row(layer: Layer, *, sizes: bool) -> tuple[str, ...]:
    measured = (byte_size(layer.size), dash(layer.files)) if sizes else ()
    directory = layer.directory or f"? {layer.shown_as}"
    return (str(layer.index), layer.role, *measured, directory, _instruction(layer))


def _instruction(layer: Layer) -> str:
    """In the Dockerfile's words: the classic builder wrote ``/bin/sh -c #(nop) CMD ...``."""
    words = layer.created_by or ("-" if layer.digest is None else layer.digest)
    words = words.removeprefix("/bin/sh -c #(nop) ").replace("/bin/sh -c ", "RUN ", 1).strip()
    return words if len(words) <= _INSTRUCTION else f"{words[: _INSTRUCTION - 3]}..."


def _json(stack: Stack) -> dict[str, object]:
    return {
        "root": {
            "fstype": stack.fstype,
            "driver": stack.driver,
            "target": stack.target,
            "device": stack.device,
            "options": dict(stack.options),
        },
        "image": {"name": stack.image, "id": stack.image_id},
        "layers": [_layer_json(layer) for layer in stack.layers],
    }


def _layer_json(layer: Layer) -> dict[str, object]:
    return {
        "index": layer.index,
        "role": layer.role,
        "writable": layer.writable,
        "path": layer.directory,
        "shown_as": layer.shown_as,
        "resolution": layer.resolution,
        "digest": layer.digest,
        "chain_id": layer.chain_id,
        "created_by": layer.created_by,
        "size": layer.size,
        "files": layer.files,
    }
