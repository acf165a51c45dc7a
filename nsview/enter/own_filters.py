"""The seccomp filter of a sandbox of our own, as its launch has kept it.

To read it from a process takes root (PTRACE_SECCOMP_GET_FILTER), and rootless engines keep none.
"""

from __future__ import annotations

import os

from nsview.engines.nsview_places import state_of
from nsview.engines.nsview_store import FILTER, NsviewStore
from nsview.kernel.libc import FILTER_BYTES
from nsview.kernel.stat import parse_stat
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs
    from nsview.kernel.task import Task


def kept_filters(procfs: Procfs, task: Task) -> tuple[bytes, ...]:
    """The filter that a process in one of our sandboxes was started with; none for others."""
    store = NsviewStore("/", state_of(os.geteuid()), os.geteuid())
    firsts = {process: one for one in store.read_ids() if (process := store.read_process(one))}
    pid = task.pid
    while firsts and pid > 1:
        data = procfs.read(pid, "stat")
        if data is None:
            break
        stat = parse_stat(data)
        sandbox = firsts.get((pid, stat.start_time))
        if sandbox is not None:
            found = store.read(sandbox, FILTER)
            return (found,) if found and len(found) % FILTER_BYTES == 0 else ()
        pid = stat.ppid
    return ()
