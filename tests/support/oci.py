"""Image layers unpacked by the rules of opencontainers/image-spec, by Python's own tarfile."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path

_PREFIX = ".wh."


class Unpacked:
    """A directory to which layers are applied, bottom first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self._times: dict[Path, int] = {}

    def apply(self, archive: Path) -> list[str]:
        """Unpack a layer; returns its names in order, which are checked to be in a good one."""
        made: set[Path] = set()
        names = []
        with tarfile.open(archive) as layer:
            for member in layer:
                path = self.root / member.name
                names.append(member.name)
                assert path.parent == self.root or path.parent.is_dir(), f"no parent: {path}"
                assert not path.parent.is_symlink()
                if path.name.startswith(_PREFIX):
                    hidden = path.with_name(path.name.removeprefix(_PREFIX))
                    assert os.path.lexists(hidden), f"useless whiteout: {path}"
                    assert hidden not in made, f"whiteout after what it would hide: {path}"
                    remove(hidden)
                    continue
                self._unpack(layer, member, path)
                made.add(path)
        return names

    def _unpack(self, layer: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        is_directory = path.is_dir() and not path.is_symlink()
        if os.path.lexists(path) and not (is_directory and member.isdir()):
            remove(path)
        if member.isdir():
            path.mkdir(exist_ok=True)
            self._times[path] = int(member.mtime)
        elif member.islnk():
            os.link(self.root / member.linkname, path, follow_symlinks=False)
            return
        elif member.issym():
            path.symlink_to(member.linkname)
        elif member.isreg():
            content = layer.extractfile(member)
            assert content is not None
            path.write_bytes(content.read())
        else:
            kind = {b"3": stat.S_IFCHR, b"4": stat.S_IFBLK, b"6": stat.S_IFIFO}[member.type]
            os.mknod(path, kind | 0o600, os.makedev(member.devmajor, member.devminor))
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
        if not member.issym():
            path.chmod(member.mode)
        for key, value in member.pax_headers.items():
            if key.startswith("SCHILY.xattr."):
                os.setxattr(path, key.removeprefix("SCHILY.xattr."), os.fsencode(value))
        os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)

    def finish(self) -> Path:
        """Give directories their times; returns the directory."""
        for path, mtime in self._times.items():
            if path.is_dir() and not path.is_symlink():
                os.utime(path, (mtime, mtime))
        return self.root


def remove(path: Path) -> None:
    """Whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def described(top: Path, *, whole_seconds: bool = True) -> Mapping[str, object]:
    """Everything in a tree but sockets, as far as archives can hold it."""
    found: dict[str, object] = {}
    for folder, directories, files in os.walk(os.fsencode(top)):
        for name in (*directories, *files):
            path = os.fsdecode(os.path.join(folder, name))
            status = os.lstat(path)
            kind = stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFSOCK:
                continue
            content: object = None
            if kind == stat.S_IFREG:
                with open(path, "rb") as file:
                    content = file.read(), attribute(path)
            elif kind == stat.S_IFLNK:
                content = os.readlink(path)
            elif kind in (stat.S_IFCHR, stat.S_IFBLK):
                content = status.st_rdev
            times = status.st_mtime_ns // 10**9 if whole_seconds else status.st_mtime_ns
            found[os.path.relpath(path, top)] = (
                *(kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid),
                *(times, content),
            )
    return found


def attribute(path: str) -> bytes | None:
    """The capabilities of a file."""
    try:
        return os.getxattr(path, "security.capability", follow_symlinks=False)
    except OSError:
        return None


def linked(top: Path) -> set[frozenset[str]]:
    """The groups of names that are one file."""
    groups: dict[tuple[int, int], set[str]] = {}
    for folder, directories, files in os.walk(os.fsencode(top)):
        for name in (*directories, *files):
            path = os.fsdecode(os.path.join(folder, name))
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode):
                key = status.st_dev, status.st_ino
                groups.setdefault(key, set()).add(os.path.relpath(path, top))
    return {frozenset(group) for group in groups.values() if len(group) > 1}
