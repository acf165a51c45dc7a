"""What an engine's files say of a stack: all of it for a stopped container, the image's side of it
(digests, instructions) for one that runs."""

from __future__ import annotations

from dataclasses import replace

from nsview.engines.stored_stack import StoredLayer, StoredStack
from nsview.kernel.overlayfs import OverlayOptions
from nsview.layers.fuse_overlay import fuse_rules
from nsview.layers.plain import AUFS, PLAIN
from nsview.layers.rules import overlay_rules
from nsview.layers.stack import Layer, OverlayRules, Stack
from nsview.layers.views import Directory, find_directory


def find_places(stored: StoredStack) -> list[Directory | None]:
    """The directories of a stored stack that exist, topmost first."""
    return [find_directory(stored.root, layer.path) for layer in stored.layers]


def stack_of_stored(stored: StoredStack) -> Stack:
    """The stack of a container that does not run."""
    layers = tuple(
        _layer(index, layer, place, stored.root)
        for index, (layer, place) in enumerate(zip(stored.layers, find_places(stored), strict=True))
    )
    lost = sum(layer.path is None for layer in layers)
    return Stack(
        layers=layers,
        rules=_rules(stored),
        fstype=stored.form,
        driver=stored.driver,
        image=stored.image,
        image_id=stored.image_id,
        notes=(*stored.notes, f"{lost} of its directories are missing") if lost else stored.notes,
    )


def describe(stack: Stack, stored: StoredStack) -> Stack:
    """Add digests, instructions and docker's init layer to the layers that the store knows.

    A layer is known by its directory, whatever the path.
    """
    known = {
        place.identity: (place, layer)
        for place, layer in zip(find_places(stored), stored.layers, strict=True)
        if place is not None
    }
    layers = []
    for layer in stack.layers:
        place, facts = known.get(_identity(layer), (None, None))
        if place is not None and facts is not None:
            layer = _describe(layer, facts)
            if layer.root == "/":  # a user's store is not to be left by a link set meanwhile
                layer = replace(layer, root=place.root, path=place.path)
        layers.append(layer)
    return replace(
        stack,
        layers=tuple(layers),
        driver=stored.driver or stack.driver,
        image=stored.image or stack.image,
        image_id=stored.image_id or stack.image_id,
    )


def _identity(layer: Layer) -> tuple[int, int]:
    place = find_directory(layer.root, layer.path) if layer.path is not None else None
    return place.identity if place else (0, 0)


def _describe(layer: Layer, known: StoredLayer) -> Layer:
    return replace(
        layer,
        role="init" if known.role == "init" else layer.role,
        digest=known.digest,
        chain_id=known.chain_id,
        created_by=known.created_by,
    )


def _layer(index: int, stored: StoredLayer, place: Directory | None, root: str) -> Layer:
    return Layer(
        index=index,
        role=stored.role,
        writable=stored.role == "upper",
        path=place.path if place else None,
        root=root,
        shown_as=stored.path,
        resolution="store" if place else "unresolvable",
        digest=stored.digest,
        chain_id=stored.chain_id,
        created_by=stored.created_by,
    )


def _rules(stored: StoredStack) -> OverlayRules:
    if stored.form == "plain":
        return PLAIN
    if stored.form == "fuse-overlayfs":
        return fuse_rules(int(stored.userxattr))
    if stored.form == "aufs":
        return AUFS
    return overlay_rules(OverlayOptions(lower=(), userxattr=stored.userxattr))
