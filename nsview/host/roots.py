"""A process's ``/``: is it the host's, and what is it made of?

Read from /proc/PID/mountinfo alone. Asking the file system itself (stat of /proc/PID/root) would
let a container's FUSE server keep us waiting for ever.
"""

from __future__ import annotations

from nsview.host.model import Rootfs
from nsview.kernel.mountinfo import Mount, parse_mounts_on_root, read_mountinfo
from nsview.kernel.overlayfs import parse_overlay_options
from nsview.kernel.procfs import Procfs
from nsview.named_tuple import NamedTuple


class Root(NamedTuple):
    """The mount that is a process's ``/``."""

    place: tuple[str, str] | None
    """Device and directory in it: equal for two processes with the same root. None: a chroot,
    whose ``/`` is no mount point and so not listed."""
    rootfs: Rootfs | None


def root_mount(mounts: tuple[Mount, ...]) -> Mount | None:
    """The mount on ``/`` that hangs on nothing else in the table; None in a chroot.

    A later mount on ``/`` covers it for who comes anew, not for those whose root it already is.
    """
    listed = {mount.id for mount in mounts}
    on_root = [mount for mount in mounts if mount.target == "/"]
    roots = [mount for mount in on_root if mount.parent not in listed] or on_root
    return roots[0] if roots else None


def root_of(mounts: tuple[Mount, ...]) -> Root:
    """What a process's ``/`` is, by its mount table."""
    root = root_mount(mounts)
    if root is None:
        return Root(None, None)
    return Root((root.device, root.root), Rootfs(root.fstype, _count_layers(root)))


def read_root(procfs: Procfs, pid: int) -> Root | None:
    """The root of a process; None when it is gone or may not be read."""
    try:
        mounts = read_mountinfo(procfs, pid, parse_mounts_on_root)
    except PermissionError:
        return None
    return None if mounts is None else root_of(mounts)


def _count_layers(mount: Mount) -> int:
    if mount.fstype != "overlay":
        return 1
    options = parse_overlay_options(mount.super_options)
    return len(options.lower) + len(options.data_only) + bool(options.upper)
