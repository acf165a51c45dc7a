"""Open a namespace by its 64-bit id: file handles of nsfs, include/uapi/linux/nsfs.h.

With the id alone since Linux 6.19; Linux 6.18 wants kind and inode too.
"""

from __future__ import annotations

import errno
import os
import struct

from nsview.kernel.namespaces import CLONE_FLAGS
from nsview.typed import Final

_FILEID_NSFS: Final = 0xF1
_FD_NSFS_ROOT: Final = -10003  # stands for the nsfs mount, which is in nobody's mount table

# struct file_handle, with a struct nsfs_file_handle (ns_id, ns_type, ns_inum) in it.
_HANDLE: Final = struct.Struct("=IiQII")
_HANDLE_BYTES: Final = 16


def open_by_id(number: int, kind: str | None = None, ino: int = 0) -> int:
    """Return a new descriptor of the namespace with that id; the caller closes it.

    Raises OSError: ESTALE when there is none (any more), EPERM without the right to see all
    namespaces, EBADF or EINVAL where the kernel does not know such handles.
    """
    from nsview.kernel import foreign

    libc = foreign.CDLL(None, use_errno=True)
    flag = CLONE_FLAGS[kind] if kind else 0
    handle = _HANDLE.pack(_HANDLE_BYTES, _FILEID_NSFS, number, flag, ino)
    fd = libc.open_by_handle_at(_FD_NSFS_ROOT, handle, os.O_RDONLY | os.O_CLOEXEC)
    if fd < 0:
        code = foreign.get_errno() or errno.EIO
        raise OSError(code, os.strerror(code))
    return int(fd)
