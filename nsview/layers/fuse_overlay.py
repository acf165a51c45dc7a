"""fuse-overlayfs: the kernel knows none of its layers, but its process was told them.

``fuse-overlayfs [-o] lowerdir=A:B,upperdir=U,workdir=W TARGET``; options may come several times.
github.com/containers/fuse-overlayfs: fuse-overlayfs(1).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from nsview.kernel.mountinfo import Mount
from nsview.kernel.safe_open import on_host
from nsview.layers.stack import Layer, OverlayRules, Role, Stack
from nsview.layers.views import View, find_directory, mount_options
from nsview.named_tuple import NamedTuple

COMMAND = "fuse-overlayfs"

#: A comma in a name is typed ``\,``, a colon ``\:``.
_COMMA = re.compile(r"(?<!\\),")
_COLON = re.compile(r"(?<!\\):")


class FuseLayers(NamedTuple):
    """What a fuse-overlayfs process was told."""

    lower: tuple[str, ...]
    upper: str | None
    target: str


def parse_fuse_command(command: Sequence[str]) -> FuseLayers | None:
    """Read a command line of fuse-overlayfs; None when it is none."""
    if not command or os.path.basename(command[0]) != COMMAND:
        return None
    values: dict[str, str] = {}
    targets = []
    words = iter(command[1:])
    for word in words:
        if word == "-o":
            _add(values, next(words, ""))
        elif word.startswith("-o"):
            _add(values, word[2:])
        elif not word.startswith("-"):
            targets.append(word)
    if not targets or "lowerdir" not in values:
        return None
    lower = tuple(_unescape(name) for name in _COLON.split(values["lowerdir"]) if name)
    upper = values.get("upperdir")
    return FuseLayers(lower, _unescape(upper) if upper else None, targets[-1])


def _add(values: dict[str, str], options: str) -> None:
    for option in _COMMA.split(options):
        key, _, value = option.partition("=")
        values[key] = value


def _unescape(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name, flags=re.DOTALL)


def stack_of_fuse(mount: Mount, told: FuseLayers, view: View, *, user: int) -> Stack:
    """The layers that the process of this mount was told, as they are in its mount namespace."""
    names: list[tuple[Role, str]] = [("upper", told.upper)] if told.upper else []
    names += (("lower", name) for name in told.lower)
    layers = []
    for index, (role, name) in enumerate(names):
        place = find_directory(view.root, name) if name.startswith("/") else None
        layers.append(
            Layer(
                index=index,
                role=role,
                writable=role == "upper",
                path=place.path if place else None,
                root=view.root,
                shown_as=name,
                resolution="exact" if place else "unresolvable",
            )
        )
    return Stack(
        layers=tuple(layers),
        rules=fuse_rules(user),
        fstype="fuse.fuse-overlayfs",
        target=on_host(view.root, told.target),
        device=mount.device,
        options=mount_options(mount),
    )


def fuse_rules(user: int) -> OverlayRules:
    """Its marks: in ``trusted.*`` if it may write those, and always ``.wh.`` names."""
    return OverlayRules(
        xattr_prefix="user.overlay." if user else "trusted.overlay.",
        follow_redirects=False,
        form="fuse-overlayfs",
    )
