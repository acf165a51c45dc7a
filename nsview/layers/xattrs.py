"""The marks that overlays leave on files: extended attributes, device 0:0, names with a prefix.

Documentation/filesystems/overlayfs.rst; fs/overlayfs/{namei,util}.c; fuse-overlayfs(1); aufs(5).
A name is asked about in an open directory; no link is followed, nothing is opened.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from nsview.kernel.capabilities import has_capability
from nsview.kernel.procfs import Procfs
from nsview.kernel.safe_open import open_below
from nsview.kernel.status import parse_status
from nsview.layers.stack import OverlayRules

#: fuse-overlayfs and aufs: ``.wh.NAME`` hides NAME of lower layers.
WHITEOUT_PREFIX: Final = ".wh."
#: ... and this file all that lower layers have in its directory.
OPAQUE_NAME: Final = ".wh..wh..opq"
CAPABILITY: Final = "security.capability"

_FUSE_OPAQUE: Final = (
    "trusted.overlay.opaque",
    "user.overlay.opaque",
    "user.fuseoverlayfs.opaque",
)
#: No such attribute, none of that kind here, not for us to see, gone; or longer than xattrs are.
_NONE: Final = frozenset(
    {
        errno.ENODATA,
        errno.EOPNOTSUPP,
        errno.EACCES,
        errno.EPERM,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ELOOP,
        errno.ESTALE,
        errno.E2BIG,
    }
)


class Marks:
    """What the marks of one stack's layers are, by its rules."""

    def __init__(self, rules: OverlayRules) -> None:
        self._prefix = rules.xattr_prefix
        self.follows_redirects = rules.follow_redirects
        self.metacopy = rules.metacopy
        self._overlay = rules.form == "overlay"
        self.by_name = rules.form in ("fuse-overlayfs", "aufs")
        """Whether names that begin with ``.wh.`` are marks."""
        self._devices = rules.form in ("overlay", "fuse-overlayfs")
        self._opaque: tuple[str, ...] = ()
        if rules.form == "overlay":
            self._opaque = (f"{self._prefix}opaque",)
        elif rules.form == "fuse-overlayfs":
            self._opaque = _FUSE_OPAQUE

    def is_whiteout(self, directory: int, name: str, status: os.stat_result) -> bool:
        """Whether this file only hides its name in the layers below."""
        if not self._devices:
            return False
        if is_device_whiteout(status):
            return True
        # Since Linux 6.7, for layers that are themselves on an overlay.
        return (
            self._overlay
            and status.st_size == 0
            and stat.S_ISREG(status.st_mode)
            and read_xattr(directory, name, f"{self._prefix}whiteout") is not None
        )

    def is_opaque(self, directory: int, name: str) -> bool:
        """Whether this subdirectory hides what lower layers have in theirs."""
        for attribute in self._opaque:
            value = read_xattr(directory, name, attribute)
            # "x" only says that there are whiteouts by attribute in it.
            if value == b"y" or (value and not self._overlay and value[:1] == b"y"):
                return True
        return self.by_name and _exists(directory, f"{name}/{OPAQUE_NAME}")

    def redirect(self, directory: int, name: str) -> str | None:
        """Where its lower part is: a name beside its own, or a path from the overlay's root."""
        if not self._overlay:
            return None
        value = read_xattr(directory, name, f"{self._prefix}redirect")
        return None if value is None else os.fsdecode(value.rstrip(b"\0"))

    def is_metacopy(self, directory: int, name: str, status: os.stat_result) -> bool:
        """Whether this file has everything but its contents, which a lower layer holds."""
        return (
            self._overlay
            and stat.S_ISREG(status.st_mode)
            and read_xattr(directory, name, f"{self._prefix}metacopy") is not None
        )


def is_device_whiteout(status: os.stat_result) -> bool:
    """Whether it is the kernel's own mark of a deleted name: the character device 0:0."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def read_xattr(directory: int, name: str, attribute: str) -> bytes | None:
    """An attribute of `name` (itself, if it is a link) in an open directory, or None."""
    try:
        # There is no getxattrat(2) before Linux 6.13. One component after a descriptor, and the
        # link not followed: this cannot lead elsewhere.
        return os.getxattr(f"/proc/self/fd/{directory}/{name}", attribute, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NONE:
            raise
        return None


def may_see_trusted() -> bool:
    """Whether this process sees ``trusted.*`` attributes; to others they are not there.

    They take CAP_SYS_ADMIN in the initial user namespace (xattr(7)).
    """
    data = Procfs().read_record(os.getpid(), "status")
    return data is not None and has_capability(parse_status(data).cap_effective, "sys_admin")


def _exists(directory: int, path: str) -> bool:
    try:
        fd = open_below(directory, path, os.O_PATH | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno not in _NONE:
            raise
        return False
    os.close(fd)
    return True
