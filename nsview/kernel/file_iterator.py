"""Every descriptor of a namespace on the host in one read, by a BPF iterator over open files.

Of a hundred thousand open files a handful are namespaces: the program looks at the file system of
each (nsfs has a magic number), and writes down only these.
"""

from __future__ import annotations

import struct

from nsview.kernel.bpf import BpfError
from nsview.kernel.bpf_assembler import Assembler, Helper, Register
from nsview.typed import Final, Mapping

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = Register

FUNCTION: Final = "bpf_iter_task_file"
NAMES: Final = (
    "task_struct.pid",
    "task_struct.tgid",
    "file.f_inode",
    "inode.i_sb",
    "super_block.s_magic",
)

_RECORD: Final = struct.Struct("=2I")  # process, descriptor
# struct bpf_iter__task_file: meta, task, fd, file; each takes 8 bytes
_META, _TASK, _FD, _FILE = 0, 8, 16, 24
_SEQ: Final = 0  # struct bpf_iter_meta
_NSFS_MAGIC: Final = 0x6E736673  # include/uapi/linux/magic.h


def assemble(offsets: Mapping[str, int]) -> bytes:
    """The program for a kernel with these offsets; raises `BpfError` when one is missing."""
    missing = [name for name in NAMES if name not in offsets]
    if missing:
        raise BpfError(f"this kernel's type information lacks {', '.join(missing)}")
    code = Assembler()
    code.move(R6, R1)
    code.load(8, R7, R6, _TASK)
    code.jump_if_equal(R7, 0, "end")
    code.load(8, R1, R6, _FILE)
    code.jump_if_equal(R1, 0, "end")
    code.load(8, R1, R1, offsets["file.f_inode"])
    code.load(8, R1, R1, offsets["inode.i_sb"])
    code.load(8, R1, R1, offsets["super_block.s_magic"])
    code.jump_if_equal(R1, _NSFS_MAGIC, "namespace")
    code.jump("end")
    code.label("namespace")
    code.load(4, R1, R7, offsets["task_struct.tgid"])
    code.load(4, R2, R7, offsets["task_struct.pid"])
    code.jump_if_equal(R1, R2, "process")
    code.jump("end")  # a thread with descriptors of its own
    code.label("process")
    code.store(4, R10, -8, R1)
    code.load(4, R1, R6, _FD)
    code.store(4, R10, -4, R1)
    code.load(8, R1, R6, _META)
    code.load(8, R1, R1, _SEQ)
    code.move(R2, R10)
    code.add(R2, -_RECORD.size)
    code.move(R3, _RECORD.size)
    code.call(Helper.SEQ_WRITE)
    code.label("end")
    code.move(R0, 0)
    code.exit()
    return code.assemble()


def parse_descriptors(data: bytes) -> list[tuple[int, int]]:
    """(pid, descriptor) of each, as the initial pid namespace counts; torn records are left out."""
    whole = len(data) - len(data) % _RECORD.size
    return list(_RECORD.iter_unpack(data[:whole]))
