"""What the program of `nsview.kernel.task_iterator` writes for each task, and its meaning."""

from __future__ import annotations

import os
import struct

from nsview.kernel.namespaces import KINDS
from nsview.light import lru_cache
from nsview.named_tuple import NamedTuple
from nsview.typed import Final

#: Numbers of so many levels are in the record; who has more is rare, and read from /proc.
LEVELS: Final = 6


class Record(NamedTuple):
    """What the program writes, unpacked. Numbers are the initial pid namespace's."""

    pid: int
    tgid: int
    ppid: int
    flags: int
    """PF_*, include/linux/sched.h."""
    state: int
    exit_state: int
    euid: int
    """As the initial user namespace counts."""
    threads: int
    level: int
    """How deep its pid namespace is."""
    numbers: bytes
    """Its number at each level up to `LEVELS`."""
    namespaces: bytes
    """Inodes in the order of KINDS, then pid and time of the next child: `parse_inodes`."""
    start_time: int
    """Nanoseconds since boot, suspended ones included."""
    runs: int
    """How often it has given up the processor, or had to (of a process: its first thread)."""
    membership: bytes
    """Equal for tasks that are in the same control groups, and not exiting or so both: three words,
    the address of the css_set, made from the serial numbers of its groups (0: these are out of
    sight), and PF_EXITING."""
    comm: bytes


NUMBER_BYTES: Final = 4
COMM_BYTES: Final = 16  # TASK_COMM_LEN
_INODES: Final = struct.Struct(f"={len(KINDS) + 2}I")
_NUMBERS: Final = struct.Struct(f"={LEVELS}I")
_MEMBERSHIP: Final = struct.Struct("=3Q")
_FORMATS: Final = (
    *("I",) * 9,
    f"{_NUMBERS.size}s",
    f"{_INODES.size}s4x",  # what follows is aligned to 8 bytes
    *("Q",) * 2,
    f"{_MEMBERSHIP.size}s",
    f"{COMM_BYTES}s",
)
_RECORD: Final = struct.Struct("=" + "".join(_FORMATS))
RECORD_BYTES: Final = _RECORD.size
#: Where each field is in it.
PLACES: Final = {
    name: struct.calcsize("=" + "".join(_FORMATS[:index]))
    for index, name in enumerate(Record._fields)
}

# enum of task states in include/linux/sched.h, and what __task_state_index() makes of them.
_STATES: Final = "RSDTtXZPI"
_REPORTED: Final = 0x7F
_IDLE: Final = 0x402
_SHOWN_AS_UNINTERRUPTIBLE: Final = 0x1000 | 0x8000  # waiting for an RT lock, frozen


def parse_inodes(namespaces: bytes) -> tuple[int, ...]:
    """Ten inode numbers: the kinds in order, then pid and time of the next child; 0 for none."""
    return _INODES.unpack(namespaces)


def has_membership(record: Record) -> bool:
    """Its control groups could be told."""
    return bool(_MEMBERSHIP.unpack(record.membership)[1])


def parse_numbers(record: Record) -> tuple[int, ...] | None:
    """Its numbers, outermost first; None when there are more than a record holds."""
    if record.level >= LEVELS:
        return None
    return _NUMBERS.unpack(record.numbers)[: record.level + 1]


parse_record = _RECORD.unpack
"""The fields of a `Record` as a plain tuple: ten thousand are made at once."""


# Thousands of processes have few different values of these: the same objects stand for all. Where
# processes come and go all day, most of what is remembered never comes again.
_REMEMBERED: Final = 2048


@lru_cache(maxsize=_REMEMBERED)
def parse_links(namespaces: bytes) -> tuple[tuple[int, ...], int, int]:
    """Inodes of the kinds in order; the pid and the time namespace of the next child."""
    *inodes, pid_for_children, time_for_children = parse_inodes(namespaces)
    return tuple(inodes[: len(KINDS)]), pid_for_children, time_for_children


@lru_cache(maxsize=_REMEMBERED)
def parse_comm(comm: bytes) -> str:
    """Its name, os.fsdecode'd."""
    return os.fsdecode(comm.partition(b"\0")[0])


@lru_cache(maxsize=1024)
def state_letter(state: int, exit_state: int) -> str:
    """As field 3 of /proc/PID/stat has it."""
    if state & _IDLE == _IDLE:
        return _STATES[-1]
    shown = (state | exit_state) & _REPORTED
    if state & _SHOWN_AS_UNINTERRUPTIBLE:
        return "D"
    return _STATES[shown.bit_length()]
