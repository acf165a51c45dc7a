"""Reading the same small files of control groups again and again.

A descriptor that is kept costs a seventh of what a path costs that is walked each time. It goes on
giving news (pread from 0), and ENODEV once its group is removed.
"""

from __future__ import annotations

import os

from nsview.typed import Final, Protocol

#: More than memory.stat, the longest of them, has. A read(2) gives all of a file that fits.
_LARGEST: Final = 64 * 1024


class Read(Protocol):
    """A way to read a file: `read_file`, or that of `KeptFiles`."""

    def __call__(self, path: str, /) -> bytes | None:
        """What is in there; None when it is not there, or says nothing."""


def read_file(path: str) -> bytes | None:
    """Open, read, close. EOPNOTSUPP (pressure is switched off) is nothing, too."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, _LARGEST)
    except OSError:
        return None
    finally:
        os.close(descriptor)


class KeptFiles:
    """Keeps descriptors, up to half of what this process may have open.

    `read` as often as one likes, then `sweep`: what was not read since the sweep before is closed.
    """

    def __init__(self, most: int | None = None) -> None:
        # sysconf(3): the soft limit of RLIMIT_NOFILE, whose own module takes a millisecond to load.
        self._most = os.sysconf("SC_OPEN_MAX") // 2 if most is None else most
        self._kept: dict[str, int] = {}
        self._used: set[str] = set()

    def read(self, path: str) -> bytes | None:
        """The file now; None when it is gone, or was a moment ago."""
        descriptor = self._kept.get(path)
        if descriptor is None:
            if len(self._kept) >= self._most:
                return read_file(path)
            try:
                descriptor = self._kept[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return None
        self._used.add(path)
        try:
            return os.pread(descriptor, _LARGEST, 0)
        except OSError:
            # Removed, and perhaps made again under the same name: the next read opens that one.
            os.close(self._kept.pop(path))
            return None

    def sweep(self) -> None:
        """Close what nobody asks for any more."""
        for path in self._kept.keys() - self._used:
            os.close(self._kept.pop(path))
        self._used.clear()

    def close(self) -> None:
        """Close all."""
        self._used.clear()
        self.sweep()

    def __len__(self) -> int:
        return len(self._kept)

    def __del__(self) -> None:
        self.close()
