"""A file or directory of a merged tree, as a tar archive of its own."""

from __future__ import annotations

from collections.abc import Iterator

from nsview.layers.contents import Contents
from nsview.layers.layer_tar import TarOptions, TarWriter, root_attributes
from nsview.layers.layer_walk import NOTHING_BELOW, Findings, Item, LayerWalk
from nsview.layers.merge import MergedTree
from nsview.layers.output_file import Digested


def write_tree(
    tree: MergedTree,
    item: Item | None,
    name: str,
    out: Digested,
    findings: Findings,
    options: TarOptions,
) -> None:
    """Write one item of the merged view (None: the root), and all in it, under another name."""
    start = "" if item is None else item.path

    def rename(path: str) -> str:
        if path == ".":
            return name
        return name + path[len(start) :] if start else f"{name}/{path}"

    with Contents(tree) as contents:
        writer = TarWriter(contents, out, findings, options, rename)
        for one in tree_items(tree, item, findings):
            if one is None:
                if (seen := root_attributes(tree, 0)) is not None:
                    writer.root(seen)
            else:
                writer.write(one)
        writer.end()


def tree_items(tree: MergedTree, item: Item | None, findings: Findings) -> Iterator[Item | None]:
    """An item and all in it; None stands for the root."""
    yield item
    walk = LayerWalk(tree, findings, base=NOTHING_BELOW)
    if item is None:
        yield from walk.changes()
    elif item.found.attributes.type == "directory":
        yield from walk.below(item.path, item.found.places, ())
