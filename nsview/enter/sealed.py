"""Programs in memory that nobody can write to: memfd_create(2), F_ADD_SEALS in fcntl(2)."""

from __future__ import annotations

import errno
import fcntl
import os

_MFD_EXEC = 0x10  # Linux 6.3: asked for where vm.memfd_noexec is 1
_F_ADD_SEALS = 1033
_SEALS = 0x1 | 0x2 | 0x4 | 0x8  # SEAL, SHRINK, GROW, WRITE
_CHUNK = 0x7FFF_F000


def seal_program(path: str) -> int:
    """A descriptor of an executable copy of the file that nothing can change any more.

    Raises OSError; EACCES where vm.memfd_noexec is 2.
    """
    with open(path, "rb") as file:
        fd = _create(os.path.basename(path))
        try:
            while os.sendfile(fd, file.fileno(), None, _CHUNK):
                continue
            fcntl.fcntl(fd, _F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(fd)
            raise
    return fd


def _create(name: str) -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create(name, flags | _MFD_EXEC)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return os.memfd_create(name, flags)
