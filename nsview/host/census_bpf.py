"""The census from a BPF task iterator: one read for the whole host, and no file for each process.

It sees every task, so it is taken only where /proc would show every process too: by root, in the
host's own pid and user namespaces. Whose record is the same bytes as the last time keeps its `Task`
object, and where that goes for all, the whole mapping is the same object.
"""

from __future__ import annotations

import os

from nsview.errors import NsviewError
from nsview.host.bpf_place import boottime_offset, check_place
from nsview.host.census import ThreadLinks, read_task
from nsview.host.memberships import Memberships
from nsview.host.record_changes import find_changes, number_of, replace_rows
from nsview.kernel import file_iterator
from nsview.kernel.bpf import BpfError, Iterator, create_array
from nsview.kernel.layout import forget_layout, read_layout
from nsview.kernel.namespaces import INITIAL_INODES
from nsview.kernel.stat import PF_KTHREAD
from nsview.kernel.status import parse_identity
from nsview.kernel.task import CgroupPath, Task
from nsview.kernel.task_iterator import (
    FUNCTION,
    MEMORY_BYTES,
    MEMORY_ENTRIES,
    NAMES,
    PF_WQ_WORKER,
    assemble,
)
from nsview.kernel.task_record import (
    RECORD_BYTES,
    Record,
    has_membership,
    parse_comm,
    parse_inodes,
    parse_links,
    parse_numbers,
    parse_record,
    state_letter,
)
from nsview.light import partial
from nsview.typed import TYPE_CHECKING, Callable, Final, Mapping

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

_NANO: Final = 1_000_000_000
#: Asked for together, and so remembered together.
_ALL_NAMES: Final = tuple(dict.fromkeys((*NAMES, *file_iterator.NAMES)))
_ALL_FUNCTIONS: Final = (FUNCTION, file_iterator.FUNCTION)
#: Looks at all tasks until of nearly nobody the control groups are unknown. The few left are read
#: one by one, which costs less than another look, and the next one confirms them.
_ROUNDS: Final = 3
_FEW: Final = 64
#: More than a hardened kernel may leave out.
_MOST_LEFT_OUT: Final = 16
#: The kernel cuts names of its threads to so many bytes, and /proc shows some of them in full.
_LONGEST_COMM: Final = 15

_INIT: Final = 1


class BpfCensus:
    """The census by BPF. Raises `NsviewError` where it cannot be had."""

    name = "bpf"

    def __init__(self, procfs: Procfs) -> None:
        check_place(procfs)
        self._procfs = procfs
        self._boottime_offset = boottime_offset(procfs)
        self._nanoseconds_a_tick = _NANO // os.sysconf("SC_CLK_TCK")
        self._memberships = Memberships(procfs)
        self._records = b""
        self._unsure: dict[int, bytes] = {}
        self._thread_links: dict[int, tuple[tuple[int, int], tuple[int, ...]]] = {}
        self._tasks: dict[int, Task] = {}
        self._left_out: tuple[int, ...] = ()
        self.ran: frozenset[int] = frozenset()
        self._iterator = _load_tasks()
        self._descriptors: Iterator | None = None
        try:
            self._examine()
        except BaseException:
            self.close()
            raise

    @property
    def threads(self) -> ThreadLinks:
        """Of the last read: the program leaves all others out."""
        return dict(self._thread_links.values())

    def read(self) -> dict[int, Task]:
        """Every process that is there now, by its pid, ascending."""
        records, fresh, gone = self._look()
        unsure: dict[int, bytes] = {}
        self.ran = frozenset([row.tgid for row in fresh.values()]).union(self._left_out)
        rows: dict[int, Task | None] = dict.fromkeys(gone)  # those that are not there again below
        for pid in gone:
            self._thread_links.pop(pid, None)
        for record, row in fresh.items():
            if row.pid != row.tgid:
                links = parse_inodes(row.namespaces)
                self._thread_links[row.pid] = (row.tgid, row.pid), links
                continue
            cgroups = self._memberships.get(row)
            if cgroups is None:
                unsure[row.pid] = record
                cgroups = self._memberships.read(row)
            rows[row.pid] = task = self._task(row, cgroups) if cgroups is not None else None
            if task is None:
                unsure[row.pid] = record
        for pid in self._without_record(records) - rows.keys():
            rows[pid] = self._read_left_out(pid)
        self._records, self._unsure = records, unsure
        self._tasks = replace_rows(self._tasks, rows)
        return self._tasks

    @property
    def tasks(self) -> Mapping[int, Task]:
        """What the last read gave; the first one is made when the program is loaded."""
        return self._tasks

    def namespace_descriptors(self) -> list[tuple[int, int]] | None:
        """(pid, descriptor) of every open file that is a namespace; None where BPF cannot tell."""
        own = os.getpid()
        try:
            if self._descriptors is None:
                self._descriptors = _load(file_iterator.FUNCTION, file_iterator.assemble)
            with open(self._procfs.path("self", "ns/uts"), "rb") as ours:
                found = file_iterator.parse_descriptors(self._descriptors.read())
                # What it does not know of ourselves it may not know of others either.
                return found if (own, ours.fileno()) in found else None
        except (NsviewError, OSError):
            return None

    def close(self) -> None:
        """Have the kernel forget the programs."""
        self._iterator.close()
        if self._descriptors is not None:
            self._descriptors.close()

    def _look(self) -> tuple[bytes, dict[bytes, Record], set[int]]:
        # All records; those that were not there the last time, and whose number has none any more
        # or another one. Whose groups could not be told is looked at again, changed or not.
        fresh: dict[bytes, Record] = {}
        for _ in range(_ROUNDS):
            records = self._iterator.read()
            changes = find_changes(self._records, records, RECORD_BYTES)
            again = (one for pid, one in self._unsure.items() if pid not in changes.gone)
            unknown = (*changes.fresh, *again)
            fresh = {one: fresh.get(one) or Record._make(parse_record(one)) for one in unknown}
            if not fresh or not self._memberships.learn(fresh.values()):
                break
            if sum(self._memberships.get(one) is None for one in fresh.values()) <= _FEW:
                break
        return records, fresh, changes.gone

    def _task(self, row: Record, cgroups: tuple[CgroupPath, ...]) -> Task | None:
        kernel_thread = bool(row.flags & PF_KTHREAD)
        comm: str | None = parse_comm(row.comm)
        if kernel_thread and (row.flags & PF_WQ_WORKER or len(comm or "") == _LONGEST_COMM):
            comm = self._full_name(row.pid)
        pids = parse_numbers(row) or self._numbers(row.pid)
        if comm is None or pids is None:
            return None
        namespaces, pid_for_children, time_for_children = parse_links(row.namespaces)
        task = Task(
            row.pid,
            (row.start_time + self._boottime_offset) // self._nanoseconds_a_tick,
            row.ppid,
            pids,
            namespaces,
            pid_for_children,
            time_for_children,
            row.euid,
            cgroups,
            comm,
            state_letter(row.state, row.exit_state),
            row.threads,
            kernel_thread,
        )
        before = self._tasks.get(row.pid)
        return before if before == task else task

    def _full_name(self, pid: int) -> str | None:
        # Of a kernel thread, longer than its comm (Linux 5.17); what a worker works at is added.
        try:
            data = self._procfs.read_record(pid, "comm")
        except PermissionError:
            return None
        return os.fsdecode(data.removesuffix(b"\n")) if data is not None else None

    def _numbers(self, pid: int) -> tuple[int, ...] | None:
        try:
            data = self._procfs.read_record(pid, "status")
            return parse_identity(data)[1] if data else None
        except (PermissionError, ValueError):
            return None

    def _without_record(self, records: bytes) -> set[int]:
        # The first process, which a hardened kernel may leave out, would be the first of them.
        init_is_there = number_of(records) == _INIT
        return set(self._left_out) if init_is_there else {_INIT, *self._left_out}

    def _read_left_out(self, pid: int) -> Task | None:
        task = read_task(self._procfs, pid, INITIAL_INODES["pid"])
        before = self._tasks.get(pid)
        return before if before == task else task

    def _record_of(self, pid: int) -> Record | None:
        whole = (
            self._records[at : at + RECORD_BYTES]
            for at in range(0, len(self._records), RECORD_BYTES)
        )
        found = next((record for record in whole if number_of(record) == pid), None)
        return None if found is None else Record._make(parse_record(found))

    def _examine(self) -> None:
        # What it says of ourselves must be what /proc says, and whom /proc lists must be there.
        listed = self._procfs.pids()
        tasks = self.read()
        own_pid_ns = INITIAL_INODES["pid"]
        own = os.getpid()
        expected = read_task(self._procfs, own, own_pid_ns)
        if expected is None or own not in tasks:
            raise BpfError("the BPF census does not see nsview itself")
        wrong = [
            field
            for field, here, there in zip(Task._fields, tasks[own], expected, strict=True)
            if here != there and field not in ("state", "threads")  # these two change meanwhile
        ]
        record = self._record_of(own)
        if record is None or not has_membership(record):
            wrong.append("control groups")
        if wrong:
            forget_layout()
            raise BpfError(f"the BPF census is wrong about nsview's own {', '.join(wrong)}")
        missing = [pid for pid in listed if pid not in tasks]
        self._left_out = tuple(
            pid for pid in missing if read_task(self._procfs, pid, own_pid_ns) is not None
        )
        if len(self._left_out) > _MOST_LEFT_OUT:
            raise BpfError(f"the BPF census leaves out {len(self._left_out)} processes")


def _load_tasks() -> Iterator:
    try:
        memory = create_array(MEMORY_ENTRIES, MEMORY_BYTES)
        try:
            return _load(FUNCTION, partial(assemble, memory=memory))
        finally:
            os.close(memory)  # the program keeps it
    except NsviewError:
        return _load(FUNCTION, assemble)  # which knows as much, and takes longer


def _load(function: str, assemble: Callable[[Mapping[str, int]], bytes]) -> Iterator:
    try:
        layout = read_layout(_ALL_NAMES, _ALL_FUNCTIONS)
    except (OSError, ValueError) as error:
        raise BpfError(f"this kernel says nothing of its types: {error}") from error
    if function not in layout.functions:
        raise BpfError(f"this kernel has no {function} (Linux 5.8)")
    try:
        return Iterator(assemble(layout.offsets), layout.functions[function])
    except BpfError:
        forget_layout()  # if that was to blame, the next start will do better
        raise
