"""The process file system: opening what is below /proc, and nothing else.

Files of a process vanish with it, at any moment: ENOENT and ESRCH (also from read(2), when the
process ends between open and read) mean *gone*, and become None. proc(5).
"""

from __future__ import annotations

import os

#: Most files are smaller than one page; the kernel gives at most one page a read(2) for many.
_CHUNK = 64 * 1024


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

    def read(self, pid: int, name: str, *, tid: int | None = None) -> bytes | None:
        """A file of a process or thread; None when it is gone.

        Raises PermissionError where the kernel's ptrace check forbids it.
        """
        return self.read_file(self._place(pid, name, tid))

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
        except ProcessLookupError:
            return None
        finally:
            os.close(descriptor)

    def read_link(self, pid: int, name: str, *, tid: int | None = None) -> str | None:
        """What a link of a process or thread shows; None when it is gone.

        Raises PermissionError where the kernel's ptrace check forbids it.
        """
        try:
            return os.readlink(self._place(pid, name, tid))
        except (FileNotFoundError, ProcessLookupError):
            return None

    def read_global(self, name: str) -> bytes:
        """A file of the whole host, such as ``sys/kernel/osrelease``; b"" without it."""
        return self.read_file(f"{self.root}/{name}") or b""

    def read_file(self, path: str) -> bytes | None:
        """Any file below /proc by its path; None when it is gone."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
            return None
        try:
            data = chunk = os.read(descriptor, _CHUNK)
            # A short read is no end: only an empty one is.
            while chunk:
                chunk = os.read(descriptor, _CHUNK)
                data += chunk
            return data
        except ProcessLookupError:
            return None
        finally:
            os.close(descriptor)

    def _place(self, pid: int, name: str, tid: int | None) -> str:
        if tid is None:
            return f"{self.root}/{pid}/{name}"
        return f"{self.root}/{pid}/task/{tid}/{name}"
