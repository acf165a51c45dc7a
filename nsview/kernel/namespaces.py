"""The eight kinds of namespace, and the inode numbers of the initial ones.

namespaces(7); include/linux/proc_ns.h, include/uapi/linux/nsfs.h.
"""

from __future__ import annotations

from nsview.typed import Final

#: All kinds, in the order in which nsview shows them.
KINDS: Final = ("mnt", "net", "pid", "uts", "ipc", "user", "cgroup", "time")

#: One letter a kind, for the flags column: what is not shared with the host is spelled out.
LETTERS: Final = dict(zip(KINDS, "mnpuiUCt", strict=True))

#: CLONE_NEW* of each kind, as NS_GET_NSTYPE returns them (include/uapi/linux/sched.h).
CLONE_FLAGS: Final = {
    "mnt": 0x00020000,
    "net": 0x40000000,
    "pid": 0x20000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "cgroup": 0x02000000,
    "time": 0x00000080,
}

#: Inode numbers that the kernel fixes for the initial namespaces. Those of net and mnt are fixed
#: only since Linux 6.18; before, they are found through PID 1.
INITIAL_INODES: Final = {
    "ipc": 0xEFFFFFFF,
    "uts": 0xEFFFFFFE,
    "user": 0xEFFFFFFD,
    "pid": 0xEFFFFFFC,
    "cgroup": 0xEFFFFFFB,
    "time": 0xEFFFFFFA,
    "net": 0xEFFFFFF9,
    "mnt": 0xEFFFFFF8,
}


def parse_kinds(text: str) -> frozenset[str]:
    """``net,pid`` -> those kinds; raises ValueError in words for people."""
    kinds = frozenset(word.strip() for word in text.split(","))
    if kinds - {*KINDS}:
        raise ValueError(f"{text!r}: kinds of namespaces are " + ",".join(KINDS))
    return kinds
