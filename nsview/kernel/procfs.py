"""The process file system: opening what is below /proc, and nothing else.

Files of a process vanish with it, at any moment: ENOENT and ESRCH (also from read(2), when the
process ends between open and read) mean *gone*, and become None. What the kernel opens but will not
read (EINVAL, EIO, ENAMETOOLONG) is empty. proc(5).
"""

from __future__ import annotations

import errno
import os

from nsview.typed import Final

#: Most files are smaller than one page; the kernel gives at most one page a read(2) for many.
_CHUNK: Final = 64 * 1024
#: More than any honest file has; a mount table can be made to have hundreds of megabytes.
_LARGEST: Final = 64 * 1024 * 1024
#: Of read(2) alone: the file is there and has nothing to say. No security module (attr/current);
#: a cgroup nested deeper than PATH_MAX, which any user with a delegated one can make (cgroup).
_SILENT: Final = frozenset({errno.EINVAL, errno.EIO, errno.ENAMETOOLONG})


class Procfs:
    """A proc file system, mounted at `root`; a captured tree of one for tests."""

    def __init__(self, root: str = "/proc") -> None:
        self.root = root

    def path(self, pid: int | str, name: str = "") -> str:
        """Where a process's directory, or `name` in it, is."""
        return f"{self.root}/{pid}/{name}" if name else f"{self.root}/{pid}"

    def pids(self) -> list[int]:
        """Processes (thread group leaders) that are listed now, ascending."""
        return sorted(int(name) for name in os.listdir(self.root) if name.isdigit())

    def threads(self, pid: int) -> list[int]:
        """Threads of a process, ascending, its leader included; none when it is gone."""
        try:
            names = os.listdir(f"{self.root}/{pid}/task")
        except (FileNotFoundError, ProcessLookupError):
            return []
        return sorted(int(name) for name in names if name.isdigit())

    def read(self, pid: int, name: str, *, limit: int = _LARGEST) -> bytes | None:
        """A file of a process, its first `limit` bytes; None when it is gone.

        Raises PermissionError where the kernel's ptrace check forbids it.
        """
        return self.read_file(self.path(pid, name), limit=limit)

    def read_record(self, pid: int, name: str) -> bytes | None:
        """As `read`, for the small files that the kernel writes in one piece.

        These are stat, status, cgroup and schedstat (single_open in fs/proc): one read(2) gets
        it all, and the census makes tens of thousands of them.
        """
        try:
            descriptor = os.open(f"{self.root}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError):
            return None
        try:
            return os.read(descriptor, _CHUNK)
        except OSError as error:
            return _instead(error)
        finally:
            os.close(descriptor)

    def read_link(self, pid: int, name: str) -> str | None:
        """What a link of a process shows; None when it is gone.

        None, too, for a path of more than a page (cwd, root, exe): the kernel shows no part of it.
        Raises PermissionError where the kernel's ptrace check forbids it.
        """
        try:
            return os.readlink(self.path(pid, name))
        except OSError as error:
            _instead(error)
            return None

    def read_global(self, name: str) -> bytes:
        """A file of the whole host, such as ``sys/kernel/osrelease``; b"" without it."""
        return self.read_file(f"{self.root}/{name}") or b""

    def read_file(self, path: str, *, limit: int = _LARGEST) -> bytes | None:
        """Any file below /proc by its path, its first `limit` bytes; None when it is gone."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
            return None
        try:
            chunks = []
            # A short read is no end: only an empty one is.
            while limit > 0 and (chunk := os.read(descriptor, min(limit, _CHUNK))):
                chunks.append(chunk)
                limit -= len(chunk)
            return b"".join(chunks)
        except OSError as error:
            return _instead(error)
        finally:
            os.close(descriptor)


def _instead(error: OSError) -> bytes | None:
    """What to return instead of what could not be read; the error itself where it is one."""
    if isinstance(error, FileNotFoundError | ProcessLookupError):
        return None
    if error.errno in _SILENT:
        return b""
    raise error
