"""bpf(2): having the kernel check, compile and run a program that walks its own lists.

BPF iterators (Linux 5.8, Documentation/bpf/bpf_iterators.rst): the program is called once for each
object, and what it writes is what read(2) returns. It can read the kernel and change nothing.
"""

from __future__ import annotations

import errno
import os
import struct
import sys

from nsview.errors import NotPermitted, NsviewError
from nsview.kernel.syscalls import syscall
from nsview.typed import Final

#: There is no function of that name in the C library. Elsewhere it is the generic number.
_BPF: Final = {"x86_64": 321, "s390x": 351, "ppc64le": 361}
_BPF_GENERIC: Final = 280

# enum bpf_cmd, bpf_map_type, bpf_prog_type and bpf_attach_type in include/uapi/linux/bpf.h
_MAP_CREATE: Final = 0
_PROG_LOAD: Final = 5
_LINK_CREATE: Final = 28
_ITER_CREATE: Final = 33
_ARRAY: Final = 2
_TRACING: Final = 26
_TRACE_ITER: Final = 28

_INSTRUCTION_BYTES: Final = 8
# union bpf_attr of BPF_MAP_CREATE: map_type, key_size, value_size, max_entries.
_MAP_ATTRIBUTES: Final = struct.Struct("=IIII")
_INDEX_BYTES: Final = 4
# union bpf_attr of BPF_PROG_LOAD: prog_type, insn_cnt, insns, license, log_level, log_size,
# log_buf, kern_version, prog_flags, prog_name[16], prog_ifindex, expected_attach_type, seven that
# are not used here (prog_btf_fd ... line_info_cnt), attach_btf_id.
_LOAD_ATTRIBUTES: Final = struct.Struct("=IIQQIIQII16sII IIQIIQI I")
# prog_fd, target_fd (or nothing), attach_type, flags, iter_info, iter_info_len, and the room for
# others' members, which must be zero.
_LINK_ATTRIBUTES: Final = struct.Struct("=IIIIQI4x")
_ITER_ATTRIBUTES: Final = struct.Struct("=II")

_LICENSE: Final = b"GPL\0"  # the kernel lends its tracing helpers to GPL-compatible programs only
_NAME: Final = b"nsview"
_LOG_BYTES: Final = 256 * 1024
_LOG_LINES: Final = 4
#: More than the kernel ever returns at once (bpf_seq_read: eight pages).
_READ_BYTES: Final = 1 << 20
_RIGHTS: Final = "needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN"


class BpfError(NsviewError):
    """The kernel would not load or run the program; the message says what it said."""


def create_array(entries: int, entry_bytes: int) -> int:
    """Make a map in which a program remembers things by number; returns a descriptor.

    A program that was loaded keeps the maps that it names. Raises `BpfError`, or `NotPermitted`.
    """
    return _bpf(_MAP_CREATE, _MAP_ATTRIBUTES.pack(_ARRAY, _INDEX_BYTES, entry_bytes, entries))


class Iterator:
    """A program that the kernel runs for each of its objects, once for every `read`."""

    def __init__(self, code: bytes, function: int) -> None:
        """Load `code` for the iterator whose function has that type id (``bpf_iter_task``).

        Raises `BpfError`, or `NotPermitted` where a capability is missing.
        """
        self._link = -1
        program = _load(code, function)
        try:
            attributes = _LINK_ATTRIBUTES.pack(program, 0, _TRACE_ITER, 0, 0, 0)
            self._link = _bpf(_LINK_CREATE, attributes)
        finally:
            os.close(program)  # the link keeps it

    def read(self) -> bytes:
        """What the program writes for all objects that are there now. Raises `BpfError`."""
        descriptor = _bpf(_ITER_CREATE, _ITER_ATTRIBUTES.pack(self._link, 0))
        try:
            chunks = []
            while chunk := _read(descriptor):
                chunks.append(chunk)
            return b"".join(chunks)
        except OSError as error:
            raise BpfError(f"reading a BPF iterator: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Have the kernel forget the program. May be called twice."""
        if self._link >= 0:
            os.close(self._link)
            self._link = -1

    def __del__(self) -> None:
        self.close()


def _read(descriptor: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            continue  # a million objects, and the program wrote nothing for any of them


def _load(code: bytes, function: int) -> int:
    try:
        return _load_once(code, function, None)
    except OSError as error:
        raise BpfError(
            f"the kernel does not take the BPF program: {error.strerror}",
            hint=_complaint(code, function),
        ) from error


def _complaint(code: bytes, function: int) -> str | None:
    # Writing the log costs more than checking the program, so it is asked for only now.
    log = bytearray(_LOG_BYTES)
    try:
        os.close(_load_once(code, function, log))
    except (OSError, BpfError):
        lines = bytes(log).rstrip(b"\0").decode("ascii", "replace").splitlines()
        said = [line for line in lines if not line.startswith("processed ")]
        return "; ".join(said[-_LOG_LINES:]) or None
    return None


def _load_once(code: bytes, function: int, log: bytearray | None) -> int:
    from nsview.kernel import foreign

    def address(data: bytes | bytearray) -> int:
        view = (foreign.c_char * len(data)).from_buffer(data)
        return foreign.addressof(view)

    # These stay where they are until the call is over.
    instructions, license_text = bytearray(code), bytearray(_LICENSE)
    attributes = _LOAD_ATTRIBUTES.pack(
        _TRACING,
        len(code) // _INSTRUCTION_BYTES,
        address(instructions),
        address(license_text),
        *((1, len(log), address(log)) if log is not None else (0, 0, 0)),
        0,
        0,
        _NAME,
        0,
        _TRACE_ITER,
        *(0,) * 7,
        function,
    )
    return _bpf_call(_PROG_LOAD, attributes)


def _bpf(command: int, attributes: bytes) -> int:
    try:
        return _bpf_call(command, attributes)
    except OSError as error:
        raise BpfError(f"bpf({command}): {error.strerror}") from error


def _bpf_call(command: int, attributes: bytes) -> int:
    if sys.maxsize < 1 << 32:
        raise BpfError("no BPF for a Python of 32 bits")
    try:
        number = _BPF.get(os.uname().machine, _BPF_GENERIC)
        return syscall(number, command, bytearray(attributes), len(attributes))
    except OSError as error:
        if error.errno == errno.EPERM:
            raise NotPermitted(f"BPF: {error.strerror}", hint=_RIGHTS) from error
        if error.errno == errno.ENOSYS:
            raise BpfError("this kernel was built without BPF") from error
        raise
