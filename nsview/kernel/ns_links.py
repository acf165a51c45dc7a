"""/proc/PID/ns: which namespaces a process is in, and which its next child will be in.

namespaces(7). The links read ``mnt:[4026532180]``; the number is the namespace's inode.
"""

from __future__ import annotations

import os

from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.light import lru_cache
from nsview.named_tuple import NamedTuple
from nsview.typed import Final


class _Link(NamedTuple):
    name: bytes
    number_at: int
    """Where the number begins: after ``kind:[``. 0 when this kernel has no such link."""


_NAMES: Final = (*KINDS, "pid_for_children", "time_for_children")
_NONE: Final = (0,) * len(_NAMES)
_MNT: Final = KINDS.index("mnt")
_MNT_NUMBER_AT: Final = len("mnt:[")
_PID_NUMBER_AT: Final = len("pid:[")


def read_namespaces(procfs: Procfs, pid: int, tid: int | None = None) -> tuple[int, ...] | None:
    """Ten inode numbers: the kinds in order, then pid and time of the next child.

    0 where it may not be read (the kernel wants PTRACE_MODE_READ_FSCREDS) or the kernel has no
    such kind; None when the process is gone.
    """
    links = _links_of_kernel(procfs.root)
    place = procfs.path(pid, f"task/{tid}/ns" if tid is not None else "ns")
    readlink = os.readlink
    try:
        # One walk down the path instead of ten saves a fifth; O_PATH needs no right to list.
        directory = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None
    except PermissionError:
        return _NONE
    try:
        return tuple(
            [int(readlink(name, dir_fd=directory)[at:-1]) if at else 0 for name, at in links]
        )
    except PermissionError:
        return _NONE  # one check for all of them
    except (OSError, ValueError):
        inodes = _read_singly(directory, links)
        return inodes if any(inodes) or os.path.isdir(place) else None
    finally:
        os.close(directory)


def read_mnt_and_pid(procfs: Procfs, pid: int) -> tuple[int, int] | None:
    """Those two alone, which cost a quarter; None where a process is gone or may not be read."""
    try:
        mnt, pid_ns = (os.readlink(procfs.path(pid, f"ns/{kind}")) for kind in ("mnt", "pid"))
        return int(mnt[_MNT_NUMBER_AT:-1]), int(pid_ns[_PID_NUMBER_AT:-1])
    except (OSError, ValueError):
        return None


def read_namespaces_of_kernel(
    procfs: Procfs, pid: int, known: dict[int, tuple[int, ...]]
) -> tuple[int, ...] | None:
    """As `read_namespaces`, of a thread of the kernel's own; `known` is of those read before.

    They are all children of kthreadd, and in the namespaces that it is in: only devtmpfsd makes
    one, a mount namespace (drivers/base/devtmpfs.c). So that link tells the others.
    """
    try:
        mount_ns = int(os.readlink(procfs.path(pid, "ns/mnt"))[_MNT_NUMBER_AT:-1])
    except (OSError, ValueError):
        return read_namespaces(procfs, pid)
    if mount_ns in known:
        return known[mount_ns]
    links = read_namespaces(procfs, pid)
    if links is not None:
        known[links[_MNT]] = links
    return links


def _read_singly(directory: int, links: tuple[_Link, ...]) -> tuple[int, ...]:
    # Something is missing: a child namespace that has no first process yet (ENOENT for
    # pid_for_children), all that a zombie has given back, or the process itself.
    inodes = []
    for name, at in links:
        try:
            inodes.append(int(os.readlink(name, dir_fd=directory)[at:-1]) if at else 0)
        except PermissionError:
            return _NONE
        except (OSError, ValueError):
            inodes.append(0)
    return tuple(inodes)


@lru_cache(maxsize=16)
def _links_of_kernel(root: str) -> tuple[_Link, ...]:
    """Every link; those that this kernel was built without (no CONFIG_TIME_NS) are not looked for.

    The directory of every process lists the same ones (ns_entries in fs/proc/namespaces.c), so it
    is enough to ask our own. Where we have none, all are tried.
    """
    try:
        there = frozenset(os.listdir(f"{root}/self/ns"))
    except OSError:
        there = frozenset(_NAMES)
    return tuple(
        # ``*_for_children`` show their kind.
        _Link(os.fsencode(name), len(name.removesuffix("_for_children")) + len(":["))
        if name in there
        else _Link(os.fsencode(name), 0)
        for name in _NAMES
    )
