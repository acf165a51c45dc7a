"""/proc/PID/ns: which namespaces a process is in, and which its next child will be in.

namespaces(7). The links read ``mnt:[4026532180]``; the number is the namespace's inode.
"""

from __future__ import annotations

import os

from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs

_LINKS = (*KINDS, "pid_for_children", "time_for_children")
#: Where the number begins in each link: after ``kind:[``. ``*_for_children`` show their kind.
_OFFSETS = tuple(len(name.removesuffix("_for_children")) + 2 for name in _LINKS)
_NONE = (0,) * len(_LINKS)


def read_namespaces(procfs: Procfs, pid: int, tid: int | None = None) -> tuple[int, ...] | None:
    """Ten inode numbers: the kinds in order, then pid and time of the next child.

    0 where it may not be read (the kernel wants PTRACE_MODE_READ_FSCREDS) or the kernel has no
    such kind; None when the process is gone.
    """
    directory = procfs.path(pid, f"task/{tid}/ns" if tid is not None else "ns")
    readlink = os.readlink
    try:
        return tuple(
            [
                int(readlink(f"{directory}/{name}")[offset:-1])
                for name, offset in zip(_LINKS, _OFFSETS, strict=True)
            ]
        )
    except OSError:
        return _read_singly(directory)
    except ValueError:
        return _NONE


def _read_singly(directory: str) -> tuple[int, ...] | None:
    # Something is missing: the permission, one kind (no CONFIG_TIME_NS), a child namespace that
    # has no first process yet (ENOENT for pid_for_children), or the process.
    inodes = []
    for name, offset in zip(_LINKS, _OFFSETS, strict=True):
        try:
            inodes.append(int(os.readlink(f"{directory}/{name}")[offset:-1]))
        except PermissionError:
            return _NONE  # one check for all of them
        except (OSError, ValueError):
            inodes.append(0)
    return tuple(inodes) if any(inodes) or os.path.isdir(directory) else None
