"""Every namespace that the kernel knows: listns(2), Linux 6.19 (kernel/nstree.c).

Ids only, those of `nsview.kernel.nsfs.get_id`. A completeness check: what is listed here and found
nowhere else is held by something out of sight. A network namespace that only a socket keeps is not
listed.
"""

from __future__ import annotations

import errno
import struct

from nsview.kernel.syscalls import LISTNS, syscall
from nsview.typed import Final

# struct ns_id_req: size, spare, ns_id (the last one seen), ns_type (mask), spare, user_ns_id.
_REQUEST: Final = struct.Struct("=IIQIIQ")
_ID: Final = struct.Struct("=Q")
_ROOM: Final = 512
_ANY_KIND: Final = 0
_ANY_OWNER: Final = 0
#: No such call, or a seccomp filter that has not heard of it.
_LACKING: Final = frozenset({errno.ENOSYS, errno.EPERM})


def list_namespaces() -> list[int] | None:
    """Return the ids of all namespaces that we may see, ascending.

    None where the kernel lacks the call. Outside the initial pid namespace, or without
    CAP_SYS_ADMIN there, only our own are seen.
    """
    ids: list[int] = []
    try:
        while page := _list(ids[-1] if ids else 0):
            ids += page
            if len(page) < _ROOM:
                break
    except OSError as error:
        if error.errno in _LACKING:
            return None
        raise
    return ids


def _list(last: int) -> list[int]:
    """Return the ids that follow `last`; nothing at the end."""
    buffer = bytearray(_ROOM * _ID.size)
    request = _REQUEST.pack(_REQUEST.size, 0, last, _ANY_KIND, 0, _ANY_OWNER)
    try:
        count = syscall(LISTNS, request, buffer, _ROOM, 0)
    except FileNotFoundError:  # the cursor is past the last one
        return []
    return [number for (number,) in _ID.iter_unpack(buffer[: count * _ID.size])]
