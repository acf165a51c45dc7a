"""A root file system as the stack that it is.

The kernel's overlay shows, for each path, what the topmost layer that has it says; one layer at the
top takes all writes. Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nsview.kernel.safe_open import on_host

Role = Literal["upper", "init", "lower", "data", "branch"]
Resolution = Literal["exact", "relative", "by-device", "fd", "suffix", "store", "unresolvable"]
"""How the kernel's words led to a directory (`nsview.layers.resolve`).

exact         an absolute path, in the mount namespace that the overlay was mounted in
relative      below the directory that the writable layer's absolute path implies
by-device     below the directory that the place of the same mount in that namespace implies
fd            the mounter passed descriptors; the engine's file beside the upper layer has the names
suffix        a temporary mount that is gone by now; its last two names, below the engine's own
              directory
store         the engine's files say it, the kernel does not: a stopped container, fuse-overlayfs
unresolvable  what it was, nothing says for sure
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One directory of the stack."""

    index: int
    """0 is the topmost."""
    role: Role
    """``init`` is docker's ``-init`` layer; ``branch`` is aufs's word; ``data`` is looked into only
    for the content of files whose metadata lies above (metacopy)."""
    writable: bool
    path: str | None
    """Where it is, as we can open it; None when that could not be found out for sure."""
    root: str = "/"
    """`path` is to be opened below this directory, and never out of it: ``/``, or /proc/PID/root of
    the container in which the overlay was mounted."""
    shown_as: str
    """The kernel's words for it, unescaped."""
    resolution: Resolution
    digest: str | None = None
    """``sha256:...`` of the uncompressed layer (diff id)."""
    chain_id: str | None = None
    created_by: str | None = None
    """The instruction that made it (image history)."""
    files: int | None = None
    size: int | None = None
    """Bytes; None until walked."""

    @property
    def directory(self) -> str | None:
        """`path` as we would type it; to open it, use `root` and `path`."""
        return None if self.path is None else on_host(self.root, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayRules:
    """How this mount looks things up (its options, or the module's defaults)."""

    xattr_prefix: Literal["trusted.overlay.", "user.overlay."] = "trusted.overlay."
    """``user.`` only with the mount option userxattr."""
    follow_redirects: bool = True
    """redirect_dir=on or follow: a renamed directory finds its lower part by its redirect."""
    metacopy: bool = False
    form: Literal["overlay", "fuse-overlayfs", "aufs", "plain"] = "overlay"
    """fuse-overlayfs and aufs also know ``.wh.NAME`` files; plain: no whiteouts at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The layers of one root, topmost first."""

    layers: tuple[Layer, ...]
    rules: OverlayRules = OverlayRules()
    fstype: str = "overlay"
    driver: str | None = None
    """The engine's word for it: overlay2, overlay, btrfs, vfs, dir, ..."""
    target: str | None = None
    """Where it is mounted on the host; None when it is not (a stopped container)."""
    device: str | None = None
    """MAJ:MIN of the mount."""
    options: tuple[tuple[str, str], ...] = ()
    image: str | None = None
    image_id: str | None = None
    notes: tuple[str, ...] = ()
    """What could not be found out, in words."""
