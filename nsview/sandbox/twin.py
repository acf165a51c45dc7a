"""The layers that another container stands on, for a twin of it that starts as that one did."""

from __future__ import annotations

import os
from dataclasses import replace

from nsview.errors import NsviewError
from nsview.host.host import Host
from nsview.host.images import read_image
from nsview.host.reference import find_container
from nsview.host.stacks import read_stack
from nsview.kernel.safe_open import on_host
from nsview.layers.covers import covers_of
from nsview.layers.views import find_directory
from nsview.sandbox.process import Process, parse_process
from nsview.sandbox.spec import Lower, Spec
from nsview.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsview.layers.stack import Layer, Stack

_OVERLAYS: Final = ("overlay", "fuse.fuse-overlayfs")


def twin_of(spec: Spec, reference: str) -> tuple[Spec, Process]:
    """The spec on the read-only layers of a container, running or not; and its image's process.

    Neither its writable layer nor its engine's init layer is among them. Raises `NsviewError`.
    """
    host = Host()
    snapshot = host.snapshot(stopped=True)
    container = find_container(snapshot, reference)
    stack = read_stack(host, snapshot, container)
    layers = [_here(one) for one in stack.layers if one.role == "lower" and not one.writable]
    try:
        _check(stack, layers)
        covers = (
            ()
            if stack.rules.form == "overlay"
            else covers_of(replace(stack, layers=_numbered(layers)))
        )
    except NsviewError as error:
        raise NsviewError(f"no twin of {container.ref}: {error}") from None
    image = read_image(host, container)
    lower = tuple(
        Lower(path=one.path or "", digest=one.digest, created_by=one.created_by) for one in layers
    )
    spec = spec._replace(lower=lower, covers=covers, image=container.image or container.ref)
    return spec, parse_process(image.config if image is not None else None)


def _here(layer: Layer) -> Layer:
    """A layer in a user's store, by its path on the host; the user's own alone, and for itself.

    Root goes by no path that a user may change meanwhile.
    """
    if layer.root == "/" or layer.path is None or os.geteuid() == 0:
        return layer
    in_store = not layer.root.startswith("/proc/")
    path = on_host(layer.root, layer.path) if in_store else layer.path
    there, here = find_directory(layer.root, layer.path), find_directory("/", path)
    if there is None or here is None or there.identity != here.identity:
        return layer
    return replace(layer, root="/", path=here.path)


def _check(stack: Stack, layers: list[Layer]) -> None:
    if stack.rules.form not in ("overlay", "fuse-overlayfs") or stack.fstype not in _OVERLAYS:
        raise NsviewError(f"its root is no overlay but {stack.fstype}")
    if stack.rules.form == "fuse-overlayfs" and os.geteuid():
        raise NsviewError("its layers are marked as fuse-overlayfs does: that takes root")
    # What an overlay of ours goes by: trusted.* attributes are not there for users.
    own = "user.overlay." if os.geteuid() else "trusted.overlay."
    is_foreign = stack.rules.form == "overlay" and stack.rules.xattr_prefix != own
    if is_foreign or any(one.role == "data" for one in stack.layers):
        raise NsviewError(_explain(stack))
    if not layers:
        raise NsviewError("it has no read-only layers")
    if any(one.path is None or one.root != "/" for one in layers):
        raise NsviewError("some of its layers cannot be found, or are another user's")


def _explain(stack: Stack) -> str:
    if any(one.role == "data" for one in stack.layers):
        return "its layers are marked in a way that only its own engine mounts"
    who = "users, not root," if os.geteuid() == 0 else "root, not users,"
    return f"its layers are marked as {who} may mount them"


def _numbered(layers: list[Layer]) -> tuple[Layer, ...]:
    return tuple(replace(one, index=index) for index, one in enumerate(layers))
