"""Open files inside a root that somebody else controls.

A container may put a symbolic link, a FIFO, a device or an endless file wherever a plain file is
expected. Here a path never leaves its root, magic links (``/proc/PID/root`` and the like) are never
followed, and nothing but regular files is read.
"""

from __future__ import annotations

import errno
import os
import stat

from nsview.kernel.syscalls import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2
from nsview.typed import Final

#: A database of an engine or a passwd file is far below; reading more would be somebody's trap.
DEFAULT_LIMIT: Final = 16 * 1024 * 1024

_RETRIES: Final = 64
_CHUNK: Final = 1024 * 1024
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
#: openat2 is not there: an old kernel, or a seccomp filter that does not know it.
_NO_OPENAT2: Final = frozenset({errno.ENOSYS, errno.EPERM})
#: A link is in the way, which is no directory either.
_AT_A_LINK: Final = frozenset({errno.ELOOP, errno.ENOTDIR})


def on_host(root: str, path: str) -> str:
    """Where `path` below `root` (``/`` or ``/proc/PID/root``) is for us: to be shown, or typed."""
    return root.rstrip("/") + path


def open_below(root: int | str, path: str, flags: int) -> int:
    """Open `path` as a process sees it whose root directory is `root`; the caller closes it.

    `root` is a directory or its descriptor. Absolute links and ``..`` stay inside, magic links are
    ELOOP. O_CLOEXEC is added. Raises OSError as open(2) does. Do not pass O_CREAT.

    Opening a device or a FIFO may block or act: pass O_PATH (and then use `open_regular`), or use
    `read_below`.
    """
    if isinstance(root, int):
        return _open(root, path, flags)
    root_fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _open(root_fd, path, flags)
    finally:
        os.close(root_fd)


def read_below(root: int | str, path: str, *, limit: int = DEFAULT_LIMIT) -> bytes | None:
    """Return the contents of a regular file below `root`.

    None when it (or the root) is missing, no regular file, has nothing to give without waiting, or
    is longer than `limit` bytes (half a file would be read as nonsense). Raises OSError for what is
    wrong beyond that, PermissionError among it. A file system that a process serves (FUSE) can
    still make it wait.
    """
    try:
        fd = open_below(root, path, os.O_PATH)
    except ValueError:  # an embedded null byte: no file has such a name
        return None
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise
    try:
        return _read_regular(fd, limit)
    finally:
        os.close(fd)


def open_regular(path_fd: int) -> int | None:
    """Open for reading what an O_PATH descriptor refers to; None when it is no regular file.

    So a device is recognised before it is opened.
    """
    if not stat.S_ISREG(os.fstat(path_fd).st_mode):
        return None
    return os.open(f"/proc/self/fd/{path_fd}", _READ)


def _read_regular(path_fd: int, limit: int) -> bytes | None:
    fd = open_regular(path_fd)
    if fd is None:
        return None
    try:
        data = bytearray()
        while len(data) <= limit:
            chunk = os.read(fd, min(_CHUNK, limit + 1 - len(data)))
            if not chunk:
                return bytes(data)
            data += chunk
        return None
    except BlockingIOError:  # /proc/kmsg and trace_pipe call themselves regular files
        return None
    finally:
        os.close(fd)


def _open(root_fd: int, path: str, flags: int) -> int:
    # Mostly there is no link, and nothing that openat2(2) would do otherwise: what calls it takes a
    # millisecond to load.
    try:
        return open_without_links(root_fd, path, flags)
    except OSError as error:
        if error.errno not in _AT_A_LINK:
            raise
    return _open_by_openat2(root_fd, path, flags)


def _open_by_openat2(root_fd: int, path: str, flags: int) -> int:
    for _ in range(_RETRIES):
        try:
            return openat2(root_fd, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
        except BlockingIOError:  # a rename beside us: the kernel could not tell where ".." leads
            continue
        except OSError as error:
            if error.errno not in _NO_OPENAT2:
                raise
            return open_without_links(root_fd, path, flags)
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)


def open_without_links(root_fd: int, path: str, flags: int) -> int:
    """Open `path` one component at a time; ELOOP at any symbolic link, or at ``..``.

    The way without openat2(2): it refuses too much rather than to follow by hand.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.endswith(("/", "/.")):
        flags |= os.O_DIRECTORY
    if not parts:
        return os.open(".", flags | os.O_CLOEXEC, dir_fd=root_fd)
    fd = os.dup(root_fd)
    try:
        for part in parts[:-1]:
            below = _open_component(fd, part, os.O_PATH | os.O_DIRECTORY)
            os.close(fd)
            fd = below
        return _open_component(fd, parts[-1], flags)
    finally:
        os.close(fd)


def _open_component(dir_fd: int, name: str, flags: int) -> int:
    if name == "..":
        raise OSError(errno.ELOOP, "'..' is not followed", name)
    fd = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
    if flags & os.O_PATH and stat.S_ISLNK(os.fstat(fd).st_mode):  # O_PATH opens the link itself
        os.close(fd)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    return fd
