"""The layers that another container stands on, for a twin of it that starts as that one did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nsview.errors import NsviewError
from nsview.host.host import Host
from nsview.host.images import read_image
from nsview.host.reference import find_container
from nsview.host.stacks import read_stack
from nsview.sandbox.process import Process, parse_process
from nsview.sandbox.spec import Lower, Spec

if TYPE_CHECKING:
    from nsview.layers.stack import Layer, Stack


def twin_of(spec: Spec, reference: str) -> tuple[Spec, Process]:
    """The spec on the read-only layers of a container, running or not; and its image's process.

    Neither its writable layer nor its engine's init layer is among them. Raises `NsviewError`.
    """
    host = Host()
    snapshot = host.snapshot(stopped=True)
    container = find_container(snapshot, reference)
    stack = read_stack(host, snapshot, container)
    layers = [one for one in stack.layers if one.role == "lower" and not one.writable]
    problem = _problem(stack, layers)
    if problem is not None:
        raise NsviewError(f"no twin of {container.ref}: {problem}")
    image = read_image(host, container)
    lower = tuple(
        Lower(path=one.path or "", digest=one.digest, created_by=one.created_by) for one in layers
    )
    return replace(spec, lower=lower, image=container.image or container.ref), parse_process(
        image.config if image is not None else None
    )


def _problem(stack: Stack, layers: list[Layer]) -> str | None:
    if stack.rules.form != "overlay" or stack.fstype != "overlay":
        return f"its root is no overlay but {stack.fstype}"
    if stack.rules.xattr_prefix != "trusted.overlay." or any(
        one.role == "data" for one in stack.layers
    ):
        return "its layers are marked in a way that only its own engine mounts"
    if not layers:
        return "it has no read-only layers"
    if any(one.path is None or one.root != "/" for one in layers):
        return "some of its layers cannot be found, or are another user's"
    return None
