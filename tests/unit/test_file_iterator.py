"""The program that looks for namespaces among open files."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.bpf import BpfError
from nsview.kernel.file_iterator import NAMES, assemble, parse_descriptors

OFFSETS = {name: 8 * index for index, name in enumerate(NAMES)}
_INSTRUCTION_BYTES = 8


def test_pairs_of_process_and_descriptor() -> None:
    assert parse_descriptors(struct.pack("=4I", 4711, 3, 4712, 5)) == [(4711, 3), (4712, 5)]


@given(st.binary(max_size=100))
def test_torn_records_are_left_out(data: bytes) -> None:
    assert len(parse_descriptors(data)) == len(data) // 8


def test_the_program_is_whole() -> None:
    assert len(assemble(OFFSETS)) % _INSTRUCTION_BYTES == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(BpfError, match=name):
        assemble({key: value for key, value in OFFSETS.items() if key != name})
