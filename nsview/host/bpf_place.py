"""Where a census by BPF, which sees all tasks, says the same as /proc: on the host itself."""

from __future__ import annotations

import os

from nsview.errors import NotPermitted
from nsview.host.partial import effective_capabilities, own_namespace
from nsview.kernel.bpf import BpfError
from nsview.kernel.namespaces import INITIAL_INODES
from nsview.kernel.timens import parse_timens_offsets
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

_CAP_SYS_ADMIN, _CAP_PERFMON, _CAP_BPF = 21, 38, 39  # include/uapi/linux/capability.h


def check_place(procfs: Procfs) -> None:
    """Raises `BpfError` where /proc shows less, `NotPermitted` where a capability is missing."""
    for kind in ("pid", "user"):
        if own_namespace(procfs, kind) != INITIAL_INODES[kind]:
            raise BpfError(f"nsview runs inside a {kind} namespace")
    try:
        shown = os.readlink(procfs.path("self"))
    except OSError:
        shown = ""
    if procfs.root != "/proc" or shown != str(os.getpid()):
        raise BpfError("/proc is not that of our pid namespace")
    held = effective_capabilities(procfs)
    if not (held >> _CAP_SYS_ADMIN & 1 or held >> _CAP_BPF & held >> _CAP_PERFMON & 1):
        raise NotPermitted(
            "the BPF census needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN",
            hint="run nsview with sudo",
        )


def boottime_offset(procfs: Procfs) -> int:
    """Nanoseconds by which start times differ here from those of the initial time namespace."""
    # /proc shows start times on the clock of the reader's time namespace. The file is about that of
    # our children, which is another one only after unshare(CLONE_NEWTIME).
    if own_namespace(procfs, "time") in (0, INITIAL_INODES["time"]):
        return 0
    if own_namespace(procfs, "time") != own_namespace(procfs, "time_for_children"):
        raise BpfError("nsview is about to leave its time namespace")
    try:
        return parse_timens_offsets(procfs.read_global("self/timens_offsets")).boottime
    except (OSError, ValueError) as error:
        raise BpfError("the offsets of nsview's time namespace cannot be read") from error
