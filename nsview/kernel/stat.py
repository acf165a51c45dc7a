"""/proc/PID/stat: one line with what the scheduler and the process tree know. proc_pid_stat(5)."""

from __future__ import annotations

import os

from nsview.named_tuple import NamedTuple

#: A flag of `Stat.flags`: a thread of the kernel's own (include/linux/sched.h).
PF_KTHREAD = 0x00200000


class Stat(NamedTuple):
    """The fields of use; numbers as the kernel gives them."""

    pid: int
    comm: str
    """At most 15 bytes, chosen by the process itself: may hold anything, ``)`` and newlines too."""
    state: str
    ppid: int
    session: int
    tty: int
    flags: int
    utime: int
    """Clock ticks in user mode, of all threads."""
    stime: int
    num_threads: int
    start_time: int
    """Clock ticks since boot."""
    rss: int
    """Pages."""


def parse_stat(data: bytes) -> Stat:
    """Parse the line; raises ValueError when it is torn.

    comm stands in parentheses and may contain any number of them: the last one closes it.
    """
    opening, closing = data.find(b"("), data.rfind(b")")
    if not 0 < opening < closing:
        raise ValueError("no command in parentheses")
    # Fields are counted from 1 in proc_pid_stat(5); those after comm begin with number 3.
    rest = data[closing + 2 :].split()
    try:
        return Stat(
            pid=int(data[:opening]),
            comm=os.fsdecode(data[opening + 1 : closing]),
            state=rest[0].decode("ascii"),
            ppid=int(rest[1]),
            session=int(rest[3]),
            tty=int(rest[4]),
            flags=int(rest[6]),
            utime=int(rest[11]),
            stime=int(rest[12]),
            num_threads=int(rest[17]),
            start_time=int(rest[19]),
            rss=int(rest[21]),
        )
    except IndexError:
        raise ValueError("too few fields") from None
