"""Roots that are no overlay mount: one directory, a few given ones, aufs, fuse-overlayfs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from nsview.errors import NoSuchObject
from nsview.kernel.aufs import Branch
from nsview.kernel.mountinfo import Mount
from nsview.kernel.safe_open import on_host
from nsview.layers.stack import Layer, OverlayRules, Role, Stack
from nsview.layers.views import Directory, View, find_directory, mount_options

PLAIN = OverlayRules(form="plain", follow_redirects=False)
AUFS = OverlayRules(form="aufs", follow_redirects=False)


def stack_of_directories(paths: Sequence[str]) -> Stack:
    """A stack of plain directories, topmost first; raises `NoSuchObject` for what is none."""
    layers = []
    for index, path in enumerate(paths):
        if not os.path.isdir(path):
            raise NoSuchObject(f"{path} is no directory")
        role: Role = "upper" if index == 0 else "lower"
        layers.append(
            Layer(
                index=index,
                role=role,
                writable=False,
                path=os.path.realpath(path),
                shown_as=path,
                resolution="exact",
            )
        )
    return Stack(layers=tuple(layers), fstype="directories")


def resolve_plain(mount: Mount, views: Iterable[View], own_root: str) -> Stack:
    """The one directory that is the root of a process.

    own_root: ``/proc/PID/root``, through which it is reached where the file system is not mounted
    in any of `views`, and which proves that the directory found there is the same.
    """
    found, target = _find_whole(mount, views, own_root)
    writable = not {"ro"} & {*mount.options, *mount.super_options}
    layer = Layer(
        index=0,
        role="upper" if writable else "lower",
        writable=writable,
        path=found.path if found else "/",
        root=found.root if found else own_root,
        shown_as=mount.root,
        resolution="by-device" if found else "exact",
    )
    return Stack(
        layers=(layer,),
        rules=PLAIN,
        fstype=f"{mount.fstype}.{mount.subtype}" if mount.subtype else mount.fstype,
        target=target,
        device=mount.device,
        options=mount_options(mount),
    )


def _find_whole(
    mount: Mount, views: Iterable[View], own_root: str
) -> tuple[Directory | None, str | None]:
    if mount.fstype == "fuse":  # only to look at it may wait for its server for ever
        return None, None
    own = find_directory(own_root, "/")
    for view in views:
        for other in view.mounts:
            path = _inside(other, mount)
            place = find_directory(view.root, path) if path is not None and own else None
            if place is not None and own is not None and place.identity == own.identity:
                return place, on_host(view.root, place.path)
    return None, None


def _inside(whole: Mount, part: Mount) -> str | None:
    """Where the directory that `part` mounts is below the mount point of `whole`."""
    top = whole.root.rstrip("/")
    if whole.device != part.device or not f"{part.root}/".startswith(f"{top}/"):
        return None
    return whole.target.rstrip("/") + part.root[len(top) :] or "/"


def resolve_aufs(mount: Mount, branches: Sequence[Branch] | None, view: View) -> Stack:
    """The branches of an aufs mount; None: nothing tells them."""
    layers = []
    for index, branch in enumerate(branches or ()):
        place = find_directory(view.root, branch.path)
        layers.append(
            Layer(
                index=index,
                role="branch",
                writable=branch.permission == "rw",
                path=place.path if place else None,
                root=view.root,
                shown_as=branch.path,
                resolution="exact" if place else "unresolvable",
            )
        )
    listed = view.find(mount.device)
    return Stack(
        layers=tuple(layers),
        rules=AUFS,
        fstype="aufs",
        target=on_host(view.root, listed.target) if listed else None,
        device=mount.device,
        options=mount_options(mount),
        notes=() if branches else ("aufs tells its branches to nobody here",),
    )
