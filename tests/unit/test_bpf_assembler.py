"""Instructions as the instruction set's document writes them down."""

from __future__ import annotations

import sys

import pytest

from nsview.kernel.bpf_assembler import Assembler, Helper, Register

R0, R1, R2, R6, R10 = (Register(number) for number in (0, 1, 2, 6, 10))

little = pytest.mark.skipif(sys.byteorder != "little", reason="bytes as on little-endian machines")


@little
def test_every_instruction() -> None:
    code = Assembler()
    code.move(R6, R1)
    code.load(8, R1, R6, 8)
    code.load(4, R2, R1, -4)
    code.store(4, R10, -16, R2)
    code.store(8, R10, -8, R1)
    code.move(R0, -1)
    code.add(R1, R2)
    code.add(R1, 0x1234)
    code.multiply(R1, 16)
    code.bit_and(R1, 0x20)
    code.call(Helper.SEQ_WRITE)
    code.exit()
    assert code.assemble().hex(" ", 8).split() == [
        "bf16000000000000",
        "7961080000000000",
        "6112fcff00000000",
        "632af0ff00000000",
        "7b1af8ff00000000",
        "b7000000ffffffff",
        "0f21000000000000",
        "0701000034120000",
        "2701000010000000",
        "5701000020000000",
        "850000007f000000",
        "9500000000000000",
    ]


@little
def test_jumps_count_from_the_next_instruction() -> None:
    code = Assembler()
    code.jump_if_equal(R1, R2, "end")
    code.jump_if_equal(R1, 7, "end")
    code.jump_if_less(R1, 7, "next")
    code.label("next")
    code.jump("end")
    code.label("end")
    code.exit()
    assert code.assemble().hex(" ", 8).split() == [
        "1d21030000000000",
        "1501020007000000",
        "a501000007000000",
        "0500000000000000",
        "9500000000000000",
    ]


def test_a_label_names_one_place_and_is_there() -> None:
    code = Assembler()
    code.label("here")
    code.exit()
    with pytest.raises(ValueError, match="here"):
        code.label("here")
    code.jump("nowhere")
    with pytest.raises(KeyError, match="nowhere"):
        code.assemble()
