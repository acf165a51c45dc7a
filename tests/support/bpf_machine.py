"""The old BPF machine in a few lines, as seccomp runs it: an oracle for our assembler.

Documentation/networking/filter.rst; kernel/seccomp.c:seccomp_check_filter says which instructions.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_LENGTH = 64


def run_filter(code: bytes, number: int, architecture: int, arguments: Sequence[int] = ()) -> int:
    """What a filter, an array of struct sock_filter, returns for a call."""
    words = (*arguments, *(0,) * 6)[:6]
    data = struct.pack("=iIQ6Q", number, architecture, 0, *words)
    instructions = list(struct.iter_unpack("=HBBI", code))
    at, register, other, memory = 0, 0, 0, [0] * 16
    while True:
        operation, if_true, if_false, value = instructions[at]
        at += 1
        operand = other if operation & 0x08 and operation & 0x07 in (4, 5) else value
        match operation:
            case 0x20:  # load a word of the call
                register = struct.unpack_from("=I", data, value)[0]
            case 0x80:
                register = _LENGTH
            case 0x00:
                register = value
            case 0x01:
                other = value
            case 0x60:
                register = memory[value]
            case 0x61:
                other = memory[value]
            case 0x02:
                memory[value] = register
            case 0x03:
                memory[value] = other
            case 0x07:
                other = register
            case 0x87:
                register = other
            case 0x54 | 0x5C:
                register &= operand
            case 0x44 | 0x4C:
                register |= operand
            case 0x05:
                at += value
            case 0x15 | 0x1D:
                at += if_true if register == operand else if_false
            case 0x25 | 0x2D:
                at += if_true if register > operand else if_false
            case 0x35 | 0x3D:
                at += if_true if register >= operand else if_false
            case 0x45 | 0x4D:
                at += if_true if register & operand else if_false
            case 0x06:
                return int(value)
            case _:
                raise ValueError(f"no instruction {operation:#x}")
