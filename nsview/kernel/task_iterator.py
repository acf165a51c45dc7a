"""Every task of the host in one read: a BPF program that writes one record for each.

The same facts as in /proc/PID/{stat,status,ns/*,comm}, from the same fields of the kernel that
those files are made from (fs/proc/array.c, fs/proc/namespaces.c), without opening ten files for
each process. Threads are left out when they are in the namespaces of their process.
"""

from __future__ import annotations

from nsview.kernel.bpf import BpfError
from nsview.kernel.bpf_assembler import STACK_BYTES, Assembler, Helper, Register
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task_record import COMM_BYTES, LEVELS, NUMBER_BYTES, PLACES, RECORD_BYTES
from nsview.typed import Final, Mapping

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = Register

#: Hierarchies of control groups: 12 controllers of their own at most, systemd's, the unified one.
_HIERARCHIES: Final = 16

FUNCTION: Final = "bpf_iter_task"

#: kind -> the pointer to it in struct nsproxy, and its structure.
_OF_NSPROXY: Final = {
    "mnt": ("mnt_ns", "mnt_namespace"),
    "net": ("net_ns", "net"),
    "uts": ("uts_ns", "uts_namespace"),
    "ipc": ("ipc_ns", "ipc_namespace"),
    "cgroup": ("cgroup_ns", "cgroup_namespace"),
    "time": ("time_ns", "time_namespace"),
}
_REQUIRED: Final = (
    *("task_struct." + name for name in (
        "pid", "tgid", "flags", "exit_state", "real_parent", "group_leader", "start_boottime",
        "nvcsw", "nivcsw", "nsproxy", "real_cred", "cgroups", "comm", "thread_pid", "signal",
    )),
    "signal_struct.nr_threads",
    "cred.euid",
    "cred.user_ns",
    "ns_common.inum",
    "user_namespace.ns",
    "pid_namespace.ns",
    "pid_namespace.child_reaper",
    "nsproxy.pid_ns_for_children",
    "pid.level",
    "pid.numbers",
    "upid",
    "upid.nr",
    "upid.ns",
    "css_set.cgrp_links",
    "cgrp_cset_link.cgrp_link",
    "cgrp_cset_link.cgrp",
    "cgrp_cset_link",
    "cgroup.self",
    "cgroup_subsys_state.serial_nr",
)  # fmt: skip
#: A kernel built without some kind of namespace has no such structure, or no such field: time
#: since Linux 5.6. The state of a task was a long called `state` until Linux 5.14.
_OPTIONAL: Final = (
    "task_struct.__state",
    "task_struct.state",
    "nsproxy.time_ns_for_children",
    *(f"nsproxy.{field}" for field, _ in _OF_NSPROXY.values()),
    *(f"{structure}.ns" for _, structure in _OF_NSPROXY.values()),
)
NAMES: Final = (*_REQUIRED, *_OPTIONAL)


PF_WQ_WORKER: Final = 0x20  # include/linux/sched.h
_PF_EXITING: Final = 0x4
_KINDS_AT: Final = {kind: index for index, kind in enumerate(KINDS)}
_PID_FOR_CHILDREN: Final = len(KINDS)
_TIME_FOR_CHILDREN: Final = len(KINDS) + 1
_LIST_NEXT: Final = 0  # struct list_head
_META: Final = 0  # struct bpf_iter__task: meta, task
_TASK: Final = 8
_SEQ: Final = 0  # struct bpf_iter_meta: seq, session_id
_SESSION: Final = 8
#: Odd and large: ids that differ a little give sums that differ a lot.
_MIX: Final = 0x61C88647

# Registers that keep their meaning through the whole program. R9 is the css_set or struct pid.
CONTEXT, TASK, NSPROXY = R6, R7, R8
_RECORD_AT: Final = -RECORD_BYTES
_SCRATCH_AT: Final = _RECORD_AT - 8
_REMEMBERED_AT: Final = _SCRATCH_AT - 8
_LARGEST_LINK: Final = STACK_BYTES + _REMEMBERED_AT

#: The memory that `assemble` may be given: an array of so many entries of so many bytes.
MEMORY_ENTRIES: Final = 512
MEMORY_BYTES: Final = 24
_CSS_SET_IN, _SESSION_IN, _SERIALS_IN = 0, 8, 16
#: Bits of the address of a css_set, which is as large, that tell nothing.
_ADDRESS_BITS: Final = 8


def assemble(offsets: Mapping[str, int], memory: int | None = None) -> bytes:
    """The program for a kernel with these offsets (of `NAMES`).

    `memory` is the descriptor of an array in which it remembers, for as long as one look lasts,
    what it has found out of a css_set: thousands of tasks share few of them.
    Raises `BpfError` when the kernel lacks a field that nothing can replace.
    """
    missing = [name for name in _REQUIRED if name not in offsets]
    if "task_struct.__state" not in offsets and "task_struct.state" not in offsets:
        missing.append("task_struct.__state")
    if missing:
        raise BpfError(f"this kernel's type information lacks {', '.join(missing)}")
    if not 0 < offsets["cgrp_cset_link"] <= _LARGEST_LINK or offsets["cgrp_cset_link"] % 8:
        raise BpfError("this kernel links control groups in an unknown way")
    return _Program(offsets, memory).assemble()


class _Program:
    def __init__(self, offsets: Mapping[str, int], memory: int | None) -> None:
        self._offsets = offsets
        self._memory = memory
        self._code = Assembler()

    def assemble(self) -> bytes:
        code = self._code
        code.move(CONTEXT, R1)
        code.load(8, TASK, CONTEXT, _TASK)
        code.jump_if_equal(TASK, 0, "end")  # the call after the last task
        self._clear_record()
        self._skip_ordinary_threads()
        self._write_process()
        self._write_credentials()
        self._write_namespaces()
        self._write_numbers()
        self._write_membership()
        code.load(8, R1, CONTEXT, _META)
        code.load(8, R1, R1, _SEQ)
        self._point(R2, _RECORD_AT)
        code.move(R3, RECORD_BYTES)
        code.call(Helper.SEQ_WRITE)
        code.label("end")
        code.move(R0, 0)
        code.exit()
        return code.assemble()

    def _clear_record(self) -> None:
        self._code.move(R1, 0)
        for at in range(_SCRATCH_AT, 0, 8):
            self._code.store(8, R10, at, R1)

    def _skip_ordinary_threads(self) -> None:
        code = self._code
        self._load(4, R1, TASK, "task_struct.pid")
        self._load(4, R2, TASK, "task_struct.tgid")
        self._write(4, "pid", R1)
        self._write(4, "tgid", R2)
        code.jump_if_equal(R1, R2, "wanted")
        self._load(8, R3, TASK, "task_struct.group_leader")
        self._load(8, R1, TASK, "task_struct.nsproxy")
        self._load(8, R2, R3, "task_struct.nsproxy")
        # The kinds that are not in there, user and pid, no thread can change alone.
        code.jump_if_equal(R1, R2, "end")
        code.label("wanted")

    def _write_process(self) -> None:
        code = self._code
        self._load(4, R1, TASK, "task_struct.flags")
        self._write(4, "flags", R1)
        self._load(8, R1, TASK, "task_struct.nvcsw")
        self._load(8, R2, TASK, "task_struct.nivcsw")
        code.add(R1, R2)
        self._write(8, "runs", R1)
        if "task_struct.__state" in self._offsets:
            self._load(4, R1, TASK, "task_struct.__state")
        else:
            self._load(8, R1, TASK, "task_struct.state")
        self._write(4, "state", R1)
        self._load(4, R1, TASK, "task_struct.exit_state")
        self._write(4, "exit_state", R1)
        self._load(8, R1, TASK, "task_struct.real_parent")
        self._load(4, R1, R1, "task_struct.tgid")
        self._write(4, "ppid", R1)
        self._load(8, R1, TASK, "task_struct.signal")
        self._load(4, R1, R1, "signal_struct.nr_threads")
        self._write(4, "threads", R1)
        self._load(8, R1, TASK, "task_struct.start_boottime")
        self._write(8, "start_time", R1)
        code.move(R3, TASK)
        code.add(R3, self._offsets["task_struct.comm"])
        self._probe(_RECORD_AT + PLACES["comm"], COMM_BYTES, R3)

    def _write_credentials(self) -> None:
        # Those of others' eyes (real_cred), which /proc shows, not those of the moment (cred).
        self._load(8, R1, TASK, "task_struct.real_cred")
        self._load(4, R2, R1, "cred.euid")
        self._write(4, "euid", R2)
        self._load(8, R1, R1, "cred.user_ns")
        self._write_inode(_KINDS_AT["user"], R1, "user_namespace")

    def _write_namespaces(self) -> None:
        code = self._code
        self._load(8, NSPROXY, TASK, "task_struct.nsproxy")
        code.jump_if_equal(NSPROXY, 0, "exiting")
        for kind, (field, structure) in _OF_NSPROXY.items():
            if f"nsproxy.{field}" in self._offsets and f"{structure}.ns" in self._offsets:
                self._load(8, R1, NSPROXY, f"nsproxy.{field}")
                self._write_inode(_KINDS_AT[kind], R1, structure)
        if {"nsproxy.time_ns_for_children", "time_namespace.ns"} <= self._offsets.keys():
            self._load(8, R1, NSPROXY, "nsproxy.time_ns_for_children")
            self._write_inode(_TIME_FOR_CHILDREN, R1, "time_namespace")
        # One that has no first process yet is not shown (pidns_for_children_get).
        self._load(8, R1, NSPROXY, "nsproxy.pid_ns_for_children")
        self._load(8, R2, R1, "pid_namespace.child_reaper")
        code.jump_if_equal(R2, 0, "exiting")
        self._write_inode(_PID_FOR_CHILDREN, R1, "pid_namespace")
        code.label("exiting")

    def _write_numbers(self) -> None:
        code = self._code
        at = self._offsets
        code.move(R3, TASK)
        code.add(R3, at["task_struct.thread_pid"])
        code.load(8, R9, R10, self._probe(_SCRATCH_AT, 8, R3))
        self._probe_at(_RECORD_AT + PLACES["level"], 4, R9, at["pid.level"])
        for level in range(LEVELS):
            if level:
                code.load(4, R1, R10, _RECORD_AT + PLACES["level"])
                code.jump_if_less(R1, level, "numbers written")
            number = at["pid.numbers"] + level * at["upid"] + at["upid.nr"]
            place = _RECORD_AT + PLACES["numbers"] + level * NUMBER_BYTES
            self._probe_at(place, NUMBER_BYTES, R9, number)
        code.label("numbers written")
        # Its pid namespace is that of its innermost number (task_active_pid_ns).
        code.load(4, R3, R10, _RECORD_AT + PLACES["level"])
        code.multiply(R3, at["upid"])
        code.add(R3, R9)
        code.add(R3, at["pid.numbers"] + at["upid.ns"])
        code.load(8, R9, R10, self._probe(_SCRATCH_AT, 8, R3))
        inode = at["pid_namespace.ns"] + at["ns_common.inum"]
        self._probe_at(_inode_place(_KINDS_AT["pid"]), NUMBER_BYTES, R9, inode)

    def _write_membership(self) -> None:
        # A css_set stands for one group in each hierarchy. Its address may be used again for
        # another one; the serial numbers of groups are not (roots have none: their place counts).
        code = self._code
        at = self._offsets
        code.move(R3, TASK)
        code.add(R3, at["task_struct.cgroups"])
        css_set_at = _RECORD_AT + PLACES["membership"]
        serials_at, exiting_at = css_set_at + 8, css_set_at + 16
        code.load(8, R8, R10, self._probe(css_set_at, 8, R3))
        # On v1 whoever is exiting is shown in the root group (proc_cgroup_show).
        code.load(4, R1, R10, _RECORD_AT + PLACES["flags"])
        code.bit_and(R1, _PF_EXITING)
        code.store(8, R10, exiting_at, R1)
        if self._memory is not None:
            self._recall_serials(self._memory, serials_at)
        code.add(R8, at["css_set.cgrp_links"])
        code.load(8, R9, R10, self._probe_at(_SCRATCH_AT, 8, R8, _LIST_NEXT))
        code.move(R1, 1)
        code.store(8, R10, serials_at, R1)
        link_at = _REMEMBERED_AT - at["cgrp_cset_link"]
        serial = at["cgroup.self"] + at["cgroup_subsys_state.serial_nr"]
        for _ in range(_HIERARCHIES):
            code.jump_if_equal(R9, R8, "serials written")
            self._probe_at(link_at, at["cgrp_cset_link"], R9, -at["cgrp_cset_link.cgrp_link"])
            code.load(8, R9, R10, link_at + at["cgrp_cset_link.cgrp"])
            code.load(8, R1, R10, self._probe_at(_SCRATCH_AT, 8, R9, serial))
            code.load(8, R2, R10, serials_at)
            code.add(R2, R1)
            code.multiply(R2, _MIX)
            code.store(8, R10, serials_at, R2)
            code.load(8, R9, R10, link_at + at["cgrp_cset_link.cgrp_link"] + _LIST_NEXT)
        # The list has not come back to its head.
        code.move(R1, 0)
        code.store(8, R10, serials_at, R1)
        code.label("serials written")
        if self._memory is not None:
            self._remember_serials(css_set_at, serials_at)
        code.label("membership written")

    # One that is freed while the look lasts may be taken for another one at its address: the next
    # look knows better.
    def _recall_serials(self, memory: int, serials_at: int) -> None:
        code = self._code
        code.move(R2, R8)
        code.shift_right(R2, _ADDRESS_BITS)
        code.bit_and(R2, MEMORY_ENTRIES - 1)
        code.store(4, R10, _SCRATCH_AT, R2)
        self._point(R2, _SCRATCH_AT)
        code.load_map(R1, memory)
        code.call(Helper.MAP_LOOKUP_ELEM)
        code.jump_if_equal(R0, 0, "end")  # there is no such entry: the verifier wants to hear it
        code.store(8, R10, _REMEMBERED_AT, R0)
        code.load(8, R1, R0, _CSS_SET_IN)
        code.jump_if_equal(R1, R8, "same css_set")
        code.jump("unknown css_set")
        code.label("same css_set")
        code.load(8, R1, R0, _SESSION_IN)
        self._load_session(R2)
        code.jump_if_equal(R1, R2, "same look")
        code.jump("unknown css_set")
        code.label("same look")
        code.load(8, R1, R0, _SERIALS_IN)
        code.store(8, R10, serials_at, R1)
        code.jump("membership written")
        code.label("unknown css_set")

    def _remember_serials(self, css_set_at: int, serials_at: int) -> None:
        code = self._code
        code.load(8, R1, R10, _REMEMBERED_AT)
        code.load(8, R2, R10, css_set_at)
        code.store(8, R1, _CSS_SET_IN, R2)
        self._load_session(R2)
        code.store(8, R1, _SESSION_IN, R2)
        code.load(8, R2, R10, serials_at)
        code.store(8, R1, _SERIALS_IN, R2)

    def _load_session(self, to: Register) -> None:
        self._code.load(8, to, CONTEXT, _META)
        self._code.load(8, to, to, _SESSION)

    def _load(self, size: int, to: Register, base: Register, field: str) -> None:
        # Of an object that the verifier knows the type of: it checks that this is a field of it.
        # Where the pointer is none, the answer is 0 (BPF_PROBE_MEM).
        self._code.load(size, to, base, self._offsets[field])

    def _write(self, size: int, field: str, value: Register) -> None:
        self._code.store(size, R10, _RECORD_AT + PLACES[field], value)

    def _write_inode(self, index: int, namespace: Register, structure: str) -> None:
        inode = self._offsets[f"{structure}.ns"] + self._offsets["ns_common.inum"]
        self._code.load(NUMBER_BYTES, R1, namespace, inode)
        self._code.store(NUMBER_BYTES, R10, _inode_place(index), R1)

    def _probe_at(self, place: int, size: int, base: Register, offset: int) -> int:
        self._code.move(R3, base)
        self._code.add(R3, offset)
        return self._probe(place, size, R3)

    def _probe(self, place: int, size: int, address: Register) -> int:
        # From any address to the stack at `place`, which is returned; zeros where nothing is.
        code = self._code
        code.move(R3, address)
        self._point(R1, place)
        code.move(R2, size)
        code.call(Helper.PROBE_READ_KERNEL)
        return place

    def _point(self, to: Register, place: int) -> None:
        self._code.move(to, R10)
        self._code.add(to, place)


def _inode_place(index: int) -> int:
    return _RECORD_AT + PLACES["namespaces"] + index * NUMBER_BYTES
