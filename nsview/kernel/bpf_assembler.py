"""BPF instructions by name: enough to write a small program for the kernel to run.

Documentation/bpf/standardization/instruction-set.rst; include/uapi/linux/bpf.h. The machine has
ten registers and a stack of 512 bytes below R10. A call takes its arguments in R1 to R5, destroys
them, and answers in R0; R6 to R9 survive it.
"""

from __future__ import annotations

import struct
import sys
from enum import IntEnum

from nsview.typed import Final

STACK_BYTES: Final = 512


class Register(IntEnum):
    """R1 to R5 pass arguments, R6 to R9 survive calls, R10 is the end of the stack."""

    R0 = 0
    R1 = 1
    R2 = 2
    R3 = 3
    R4 = 4
    R5 = 5
    R6 = 6
    R7 = 7
    R8 = 8
    R9 = 9
    R10 = 10


class Helper(IntEnum):
    """Functions of the kernel that a program may call (bpf-helpers(7))."""

    MAP_LOOKUP_ELEM = 1
    PROBE_READ_KERNEL = 113
    SEQ_WRITE = 127


class _Code(IntEnum):
    LOAD = 0x61  # BPF_LDX | BPF_MEM
    STORE = 0x63  # BPF_STX | BPF_MEM
    MOVE = 0xBF
    MOVE_NUMBER = 0xB7
    ADD = 0x0F
    ADD_NUMBER = 0x07
    MULTIPLY_NUMBER = 0x27
    AND_NUMBER = 0x57
    SHIFT_RIGHT_NUMBER = 0x77
    LOAD_LONG = 0x18  # BPF_LD | BPF_IMM | BPF_DW: two instructions long
    REST_OF_LONG = 0x00
    JUMP = 0x05
    JUMP_IF_EQUAL = 0x1D
    JUMP_IF_EQUAL_NUMBER = 0x15
    JUMP_IF_LESS_NUMBER = 0xA5
    CALL = 0x85
    EXIT = 0x95


_PSEUDO_MAP_FD: Final = 1
#: Bytes -> BPF_SIZE bits, as they differ from BPF_W.
_SIZES: Final = {4: 0x00, 8: 0x18}


class Assembler:
    """Collects instructions; `assemble` gives them as the kernel reads them."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, int, int, int, int]] = []
        self._labels: dict[str, int] = {}
        self._jumps: dict[int, str] = {}

    def load(self, size: int, to: Register, base: Register, offset: int = 0) -> None:
        """``to = *(base + offset)``, of 4 or 8 bytes; through a pointer that the verifier knows."""
        self._add(_Code.LOAD | _SIZES[size], to, base, offset)

    def store(self, size: int, base: Register, offset: int, value: Register) -> None:
        """``*(base + offset) = value``, of 4 or 8 bytes."""
        self._add(_Code.STORE | _SIZES[size], base, value, offset)

    def move(self, to: Register, value: Register | int) -> None:
        """``to = value``; a plain number is one of 32 bits, and signed."""
        self._with_value(_Code.MOVE, _Code.MOVE_NUMBER, to, value)

    def add(self, to: Register, value: Register | int) -> None:
        """``to += value``."""
        self._with_value(_Code.ADD, _Code.ADD_NUMBER, to, value)

    def multiply(self, to: Register, number: int) -> None:
        """``to *= number``."""
        self._add(_Code.MULTIPLY_NUMBER, to, immediate=number)

    def bit_and(self, to: Register, number: int) -> None:
        """``to &= number``."""
        self._add(_Code.AND_NUMBER, to, immediate=number)

    def shift_right(self, to: Register, bits: int) -> None:
        """``to >>= bits``, without a sign."""
        self._add(_Code.SHIFT_RIGHT_NUMBER, to, immediate=bits)

    def load_map(self, to: Register, descriptor: int) -> None:
        """``to`` is that map, for a helper that takes one."""
        self._add(_Code.LOAD_LONG, to, Register(_PSEUDO_MAP_FD), immediate=descriptor)
        self._add(_Code.REST_OF_LONG, Register.R0)

    def call(self, helper: Helper) -> None:
        """``R0 = helper(R1, R2, ...)``."""
        self._add(_Code.CALL, immediate=helper)

    def label(self, name: str) -> None:
        """Name the place of the next instruction."""
        if self._labels.setdefault(name, len(self._lines)) != len(self._lines):
            raise ValueError(f"two labels {name}")

    def jump(self, label: str) -> None:
        """Go on there; only forwards."""
        self._jump(label, _Code.JUMP)

    def jump_if_equal(self, left: Register, right: Register | int, label: str) -> None:
        """Go on there when they are."""
        if isinstance(right, Register):
            self._jump(label, _Code.JUMP_IF_EQUAL, left, right)
        else:
            self._jump(label, _Code.JUMP_IF_EQUAL_NUMBER, left, immediate=right)

    def jump_if_less(self, left: Register, right: int, label: str) -> None:
        """Go on there when it is, both without a sign."""
        self._jump(label, _Code.JUMP_IF_LESS_NUMBER, left, immediate=right)

    def exit(self) -> None:
        """Return R0."""
        self._add(_Code.EXIT)

    def assemble(self) -> bytes:
        """All of it: struct bpf_insn for each instruction. Raises KeyError without a label."""
        lines = []
        for at, (code, to, source, offset, immediate) in enumerate(self._lines):
            if at in self._jumps:
                offset = self._labels[self._jumps[at]] - at - 1
            lines.append(struct.pack("=BBhi", code, _registers(to, source), offset, immediate))
        return b"".join(lines)

    def _with_value(
        self, by_register: _Code, by_number: _Code, to: Register, value: Register | int
    ) -> None:
        if isinstance(value, Register):
            self._add(by_register, to, value)
        else:
            self._add(by_number, to, immediate=value)

    def _jump(
        self, label: str, code: int, to: int = 0, source: int = 0, immediate: int = 0
    ) -> None:
        self._jumps[len(self._lines)] = label
        self._add(code, to, source, immediate=immediate)

    def _add(
        self, code: int, to: int = 0, source: int = 0, offset: int = 0, immediate: int = 0
    ) -> None:
        self._lines.append((code, to, source, offset, immediate))


def _registers(to: int, source: int) -> int:
    # Two bit fields of four bits, which each byte order lays out in its own way.
    return to | source << 4 if sys.byteorder == "little" else to << 4 | source
