"""The layers that another container stands on, for a twin of it that starts as that one did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from nsview.errors import NsviewError
from nsview.host.host import Host
from nsview.host.images import read_image
from nsview.host.reference import find_container
from nsview.host.stacks import read_stack
from nsview.layers.covers import covers_of
from nsview.sandbox.process import Process, parse_process
from nsview.sandbox.spec import Lower, Spec

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
    layers = [one for one in stack.layers if one.role == "lower" and not one.writable]
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


def _check(stack: Stack, layers: list[Layer]) -> None:
    if stack.rules.form not in ("overlay", "fuse-overlayfs") or stack.fstype not in _OVERLAYS:
        raise NsviewError(f"its root is no overlay but {stack.fstype}")
    if stack.rules.xattr_prefix != "trusted.overlay." or any(
        one.role == "data" for one in stack.layers
    ):
        raise NsviewError("its layers are marked in a way that only its own engine mounts")
    if not layers:
        raise NsviewError("it has no read-only layers")
    if any(one.path is None or one.root != "/" for one in layers):
        raise NsviewError("some of its layers cannot be found, or are another user's")


def _numbered(layers: list[Layer]) -> tuple[Layer, ...]:
    return tuple(replace(one, index=index) for index, one in enumerate(layers))
