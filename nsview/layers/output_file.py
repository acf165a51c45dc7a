"""Output: a file that appears only when it is whole, and content that is hashed on its way."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import secrets
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from nsview.errors import NsviewError
from nsview.named_tuple import NamedTuple

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BUFFER: Final = 1 << 20
_MODE: Final = 0o666
_PRIVATE: Final = 0o600
_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
#: File systems that cannot make a file without a name: NFS, older overlayfs.
_NO_TMPFILE: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})
#: File systems without hard links: FAT, some of FUSE.
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class TargetExists(NsviewError):  # noqa: N818 - named for the condition, as EEXIST is
    """Something is where we were to write."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} exists", hint="--force replaces a file")


def check_target(path: str, *, force: bool = False) -> None:
    """Raise `TargetExists` if `path` is taken; with `force`, unless it is a file or a link."""
    if not os.path.lexists(path):
        return
    if not force:
        raise TargetExists(path)
    if os.path.islink(path):  # the link is replaced, not what it points to
        return
    if os.path.isdir(path):
        raise NsviewError(f"{path} is a directory", hint="remove it first")
    if not os.path.isfile(path):
        raise NsviewError(f"{path} is no regular file")


@contextlib.contextmanager
def whole_file(
    path: str, *, force: bool = False, mode: int = _MODE, shown: str | None = None
) -> Iterator[BinaryIO]:
    """A file to be written, which gets the name `path` at the end of a block that succeeds.

    Until then it has no name at all, so whatever ends us leaves nothing behind. Raises
    `TargetExists`, unless it may replace a file (`force`), and `NsviewError` where it cannot write,
    about `shown`.
    """
    check_target(path, force=force)
    shown = shown or path
    with _nameless(path, mode, shown) as (fd, name):
        file = io.BufferedRandom(_Writer(fd, shown), _BUFFER)
        try:
            yield cast(BinaryIO, file)
            file.close()  # left to the collector it would seek in a descriptor that is gone
        except BaseException:
            with contextlib.suppress(NsviewError, OSError):  # it tries to write the rest once more
                file.close()
            raise
        _give_name(fd, name, path, shown, force=force)


class _Writer(io.FileIO):
    """A raw file whose failures say what could not be written; the descriptor is its maker's."""

    def __init__(self, fd: int, path: str) -> None:
        super().__init__(fd, "r+b", closefd=False)
        self._path = path

    def write(self, data: ReadableBuffer, /) -> int:
        with writing(self._path):
            return super().write(data)


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Whatever fails in here is that `path` cannot be written: a full disk, missing rights."""
    try:
        yield
    except FileExistsError:
        raise TargetExists(path) from None
    except OSError as error:
        raise NsviewError(f"cannot write {path}: {error.strerror}") from None


@contextlib.contextmanager
def _nameless(path: str, mode: int, shown: str) -> Iterator[tuple[int, str]]:
    """A descriptor of a new file beside `path`, and the name that it has for us."""
    folder = os.path.dirname(os.path.abspath(path))
    temporary = None
    with writing(shown):
        try:
            fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode)
        except OSError as error:
            if error.errno not in _NO_TMPFILE:
                raise
            temporary = temporary_name(folder)
            fd = os.open(temporary, _NEW, mode)
    try:
        yield fd, temporary or f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def _give_name(fd: int, name: str, path: str, shown: str, *, force: bool) -> None:
    with writing(shown):
        if name.startswith("/proc/"):
            temporary = temporary_name(os.path.dirname(os.path.abspath(path)))
            # Given a descriptor, os.link() is linkat(2), which can follow a magic link.
            os.link(name, temporary if force else path, src_dir_fd=fd)
            if not force:
                return
            name = temporary
        try:
            move(name, path, force=force)
        except BaseException:
            os.unlink(name)
            raise


def move(source: str, path: str, *, force: bool) -> None:
    """Rename; unless `force`, not onto anything that is there. Raises OSError."""
    if not force and not os.path.isdir(source):
        try:
            os.link(source, path, follow_symlinks=False)  # fails where something is
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            os.unlink(source)
            return
    if not force and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    os.rename(source, path)


@contextlib.contextmanager
def scratch_file() -> Iterator[BinaryIO]:
    """A file that never gets a name, where temporary files are."""
    shown = tempfile.gettempdir()
    with _nameless(os.path.join(shown, "scratch"), _PRIVATE, shown) as (fd, _):
        file = io.BufferedRandom(_Writer(fd, shown), _BUFFER)
        try:
            yield cast(BinaryIO, file)
        finally:
            with contextlib.suppress(NsviewError, OSError):
                file.close()


def temporary_name(folder: str) -> str:
    """A name in `folder` that nobody has."""
    return os.path.join(folder, f".nsview-{secrets.token_hex(8)}")


class Mark(NamedTuple):
    """A place that can be gone back to."""

    size: int
    hash: hashlib._Hash


class Digested:
    """Counts and hashes (SHA-256) what is written; goes back to a mark where the file can."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.can_go_back = file.seekable()
        self._start = file.tell() if self.can_go_back else 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append."""
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def mark(self) -> Mark:
        """Where it is now."""
        return Mark(self.size, self._hash.copy())

    def go_back(self, mark: Mark) -> None:
        """Forget what was written since `mark`."""
        self._file.seek(self._start + mark.size)
        self._file.truncate()
        self.size, self._hash = mark.size, mark.hash.copy()

    @property
    def digest(self) -> str:
        """``sha256:...`` of everything so far."""
        return f"sha256:{self._hash.hexdigest()}"
