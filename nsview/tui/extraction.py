"""Take a file or directory out of a stack of layers. Called on a `TreeReader`'s thread."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nsview.errors import NsviewError
from nsview.layers.extract import ExtractOptions, take_out
from nsview.layers.layer_tar import Owners
from nsview.layers.layer_walk import Findings, find_item
from nsview.layers.merge import MergedTree
from nsview.layers.paths import split_path
from nsview.layers.sizes import Cancelled
from nsview.layers.stack import Stack
from nsview.tui.tree_jobs import problem_words
from nsview.tui.tree_reader import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What was asked for, and what became of it."""

    path: str
    target: str
    notes: tuple[str, ...] = ()
    """What could not be taken along."""
    problem: str | None = None


def extract(reading: Reading, path: str, stack: Stack | None, target: str) -> Extracted:
    """Copy `path`, as it is in another `stack` if one is given, to `target`, which must not exist.

    An existing directory gets it by its name. Nothing is left behind when it fails or is stopped.
    """
    target = os.path.abspath(os.path.expanduser(target))
    if os.path.isdir(target):
        target = os.path.join(target, (split_path(path) or ["rootfs"])[-1])
    findings = Findings()
    try:
        if stack is not None:
            with MergedTree(stack) as tree:
                _copy(reading, tree, path, target, findings)
        else:
            _copy(reading, reading.tree, path, target, findings)
    except NsviewError as error:
        return Extracted(path=path, target=target, problem=error.message)
    except OSError as error:
        return Extracted(path=path, target=target, problem=problem_words(error))
    return Extracted(path=path, target=target, notes=findings.notes)


def _copy(reading: Reading, tree: MergedTree, path: str, target: str, findings: Findings) -> None:
    item = find_item(tree, path)
    if item is None:
        raise NsviewError("it is gone")

    def progress(_path: str, _size: int) -> None:
        if reading.stopped():
            raise Cancelled

    options = ExtractOptions(keep_owners=os.geteuid() == 0, owners=Owners(), progress=progress)
    take_out(tree, item, target, findings, options)
