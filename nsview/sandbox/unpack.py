"""Unpack a layer's archive into a directory, as overlayfs wants it.

opencontainers/image-spec, layer.md: ``.wh.NAME`` deletes, ``.wh..wh..opq`` hides what lies below a
directory. Overlayfs has a character device 0:0 and an attribute for them.

Paths are resolved as if the directory were the root, by openat2(2): links and ``..`` of a hostile
archive stay inside. What an archive may not say: marks of overlayfs itself.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile

from nsview.kernel.safe_open import open_below
from nsview.layers.xattrs import OPAQUE_NAME, WHITEOUT_PREFIX
from nsview.light import suppress
from nsview.typed import Final

_DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_META: Final = ".wh..wh."
_OVERLAY_ATTRIBUTES: Final = ("trusted.overlay.", "user.overlay.")
_XATTR: Final = "SCHILY.xattr."
_ATTRIBUTES: Final = ("security.capability", "user.")
_MODE: Final = 0o755
_CHUNK: Final = 1 << 20
#: More than any image that people build; an archive of some KiB can claim to be larger.
_MOST_BYTES: Final = 64 << 30
_MOST_ENTRIES: Final = 4_000_000
_DEEPEST: Final = 256


class Unsafe(Exception):  # noqa: N818 - what is reported of the archive
    """The archive is no image that anybody should unpack."""


class Unpacker:
    """Unpacks the layers of one image, and keeps count of what they take together."""

    def __init__(self, *, in_user_namespace: bool = False) -> None:
        self._bytes = 0
        self._entries = 0
        self._rootless = in_user_namespace
        self._marks = _OVERLAY_ATTRIBUTES[in_user_namespace]
        """What its overlay's attributes begin with: trusted ones are for the host's root alone."""
        self._devices = 0
        self._strangers = 0

    @property
    def lost(self) -> list[str]:
        """What is not as the image has it, in words."""
        found = []
        if self._devices:
            found.append(f"left out of the image: {self._devices} device nodes, root's to make")
        if self._strangers:
            found.append(f"owned by root, as their owners have no id here: {self._strangers} files")
        return found

    def unpack(self, layer: tarfile.TarFile, directory: str) -> None:
        """Unpack an archive into an empty directory; raises `Unsafe`, OSError and TarError."""
        root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        times: list[tuple[str, float]] = []
        try:
            for member in layer:
                self._count(member)
                self._unpack(layer, member, root)
                if member.isdir():
                    times.append((member.name, member.mtime))
            # What is made in a directory changes its time.
            for name, mtime in reversed(times):
                with suppress(OSError, ValueError):
                    _set_time(root, name, mtime)
        finally:
            os.close(root)

    def _count(self, member: tarfile.TarInfo) -> None:
        self._entries += 1
        self._bytes += member.size if member.isreg() else 0
        if self._entries > _MOST_ENTRIES or self._bytes > _MOST_BYTES:
            raise Unsafe("it is larger than any image")

    def _unpack(self, layer: tarfile.TarFile, member: tarfile.TarInfo, root: int) -> None:
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if ".." in parts or "\0" in member.name or len(parts) > _DEEPEST:
            raise Unsafe(f"a name that leads out of it: {member.name!r}")
        if not parts:
            self._set_attributes(root, ".", member)
            return
        name = parts.pop()
        parent = _make_parents(root, parts)
        try:
            if name.startswith(WHITEOUT_PREFIX):
                _white_out(parent, name, f"{self._marks}opaque")
            else:
                self._make(layer, member, root, parent, name)
        finally:
            os.close(parent)

    def _make(
        self, layer: tarfile.TarFile, member: tarfile.TarInfo, root: int, parent: int, name: str
    ) -> None:
        _make_room(parent, name, keep_directory=member.isdir())
        if member.isdir():
            with suppress(FileExistsError):
                os.mkdir(name, _MODE, dir_fd=parent)
        elif member.isreg():
            self._copy(layer, member, parent, name)
        elif member.issym():
            os.symlink(member.linkname, name, dir_fd=parent)
        elif member.islnk():
            _link(root, member.linkname, parent, name)
            return
        elif member.isfifo():
            os.mkfifo(name, dir_fd=parent)
        elif member.ischr() or member.isblk():
            kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
            device = os.makedev(member.devmajor, member.devminor)
            if device == 0:
                raise Unsafe(f"a mark of overlayfs: {member.name!r}")
            if self._rootless:
                self._devices += 1
                return
            os.mknod(name, kind | 0o600, device, dir_fd=parent)
        else:
            return
        self._set_attributes(parent, name, member)

    def _set_attributes(self, parent: int, name: str, member: tarfile.TarInfo) -> None:
        is_given = self._give_away(parent, name, member)
        if member.issym():
            return
        place = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            path = f"/proc/self/fd/{place}"
            for key, value in member.pax_headers.items():
                attribute = key.removeprefix(_XATTR)
                if (
                    key.startswith(_XATTR)
                    and attribute.startswith(_ATTRIBUTES)
                    and not attribute.startswith(self._marks)
                ):
                    with suppress(OSError):
                        os.setxattr(path, attribute, value.encode("utf-8", "surrogateescape"))
            # After chown(2), which clears setuid; of another user it would be a power of root's.
            os.chmod(path, member.mode & (0o7777 if is_given else 0o1777))
            os.utime(path, (member.mtime, member.mtime))
        finally:
            os.close(place)

    def _give_away(self, parent: int, name: str, member: tarfile.TarInfo) -> bool:
        """Set the owner; False where our user namespace has no such id."""
        try:
            os.chown(name, member.uid, member.gid, dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            if not self._rootless or error.errno != errno.EINVAL:
                raise
            self._strangers += 1
            return False
        return True

    def _copy(
        self, layer: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str
    ) -> None:
        source = layer.extractfile(member)
        assert source is not None
        with open(os.open(name, _CREATE, 0o600, dir_fd=parent), "wb") as file:
            left = member.size
            while left:
                data = source.read(min(_CHUNK, left))
                if not data:
                    raise Unsafe("it is cut short")
                file.write(data)
                left -= len(data)


def _make_parents(root: int, parts: list[str]) -> int:
    """Open the directory that a member is in; missing ones are made."""
    fd = os.dup(root)
    for at, part in enumerate(parts):
        try:
            inner = open_below(root, "/".join(parts[: at + 1]), _DIRECTORY)
        except FileNotFoundError:
            os.mkdir(part, _MODE, dir_fd=fd)
            os.chmod(part, _MODE, dir_fd=fd)
            inner = os.open(part, _DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
        os.close(fd)
        fd = inner
    return fd


def _make_room(parent: int, name: str, *, keep_directory: bool) -> None:
    """A later member of the same name replaces the earlier one."""
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=parent)
    elif not keep_directory:
        os.rmdir(name, dir_fd=parent)  # ENOTEMPTY: no builder writes that


def _white_out(parent: int, name: str, opaque: str) -> None:
    if name == OPAQUE_NAME:
        os.setxattr(f"/proc/self/fd/{parent}", opaque, b"y")
        return
    hidden = name.removeprefix(WHITEOUT_PREFIX)
    if name.startswith(_META):  # aufs's own files
        return
    if hidden in ("", ".", ".."):
        raise Unsafe(f"a whiteout of nothing: {name!r}")
    try:
        os.mknod(hidden, stat.S_IFCHR, 0, dir_fd=parent)
    except FileExistsError:
        return  # the layer has the file as well: it is there


def _link(root: int, target: str, parent: int, name: str) -> None:
    """A hard link to a file of the same layer, never through a link."""
    parts = [part for part in target.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise Unsafe(f"a link that leads out of it: {target!r}")
    try:
        directory = open_below(root, "/".join(parts[:-1]) or ".", _DIRECTORY)
    except OSError:
        raise Unsafe(f"a link to what is not there: {target!r}") from None
    try:
        os.link(parts[-1], name, src_dir_fd=directory, dst_dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        raise Unsafe(f"a link to what is not there: {target!r}") from None
    finally:
        os.close(directory)


def _set_time(root: int, name: str, mtime: float) -> None:
    directory = open_below(root, name, _DIRECTORY | os.O_NOFOLLOW)
    try:
        os.utime(f"/proc/self/fd/{directory}", (mtime, mtime))
    finally:
        os.close(directory)
