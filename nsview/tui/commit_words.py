"""What is filled in to make an image of a container, as the command line that makes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nsview.layers.commit import lower_layers
from nsview.layers.stack import Stack
from nsview.tui.tree_jobs import Changes
from nsview.units import byte_size

#: In words.
FORMATS: Final[dict[str, tuple[str, str]]] = {
    "docker": ("an image, for docker load, podman load, ctr", ""),
    "oci": ("an image, as an OCI layout", ""),
    "layer": ("the changes alone, as a tar archive", ""),
}
_ALONE: Final = "layer"
#: ``sha256:`` and twelve digits: as long as engines show one.
_DIGEST: Final = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The fields of the form, as they were typed; `format` is a key of the table above."""

    output: str
    tag: str = ""
    format: str = "docker"


def commit_words(ref: str, wanted: Wanted) -> list[str]:
    """``commit`` and its arguments; raises ValueError for what cannot be some."""
    output, tag = os.path.expanduser(wanted.output.strip()), wanted.tag.strip()
    if output in ("", "-"):
        raise ValueError("into which file?")
    if tag and wanted.format == _ALONE:
        raise ValueError("the changes alone have no name: it goes with an image")
    # What begins with a dash is a path or a name all the same.
    words = ["commit", ref, *([f"-o{output}"] if output.startswith("-") else ["-o", output])]
    if tag:
        words += [f"-t{tag}"] if tag.startswith("-") else ["-t", tag]
    return words if wanted.format == "docker" else [*words, "--format", wanted.format]


def usual_output(name: str) -> str:
    """Here, by the container's name as far as that can be one of a file's."""
    safe = "".join(char if char.isalnum() or char in "._-" else "-" for char in name)
    return f"./{safe.lstrip('.-') or 'container'}.tar"


def holds_words(stack: Stack, changes: Changes | None, kind: str) -> str:
    """What will be in the file."""
    if len(stack.layers) == 1:
        return "all of its root, in one layer"
    above = _changes_words(changes)
    if kind == _ALONE:
        return f"{above}, deletions as whiteouts"
    count = len(lower_layers(stack))
    below = f"{count} layer{'' if count == 1 else 's'} of {stack.image or 'its root'}"
    return f"{below}, {above} on top"


def _changes_words(changes: Changes | None) -> str:
    if changes is None or changes.problem is not None:
        return "its changes"
    count = len(changes.changes)
    return f"its {count:,} change{'' if count == 1 else 's'}"


def done_words(done: Mapping[str, Any]) -> str:
    """What ``nsview commit --json`` has made, in a sentence."""
    size = byte_size(sum(layer["size"] for layer in done["layers"]))
    image = done["image"]["name"] or (done["image"]["id"] or "")[:_DIGEST]
    words = f"{image}, {size}" if image else size
    return f"{os.path.abspath(done['output'])}: {words}"
