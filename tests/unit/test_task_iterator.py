"""The program's record, and what it needs of a kernel."""

from __future__ import annotations

import struct

import pytest

from nsview.kernel.bpf import BpfError
from nsview.kernel.bpf_assembler import STACK_BYTES
from nsview.kernel.task_iterator import NAMES, assemble
from nsview.kernel.task_record import (
    LEVELS,
    RECORD_BYTES,
    Record,
    has_membership,
    parse_inodes,
    parse_numbers,
    parse_record,
    state_letter,
)

OFFSETS = {name: 8 * index for index, name in enumerate(NAMES)}
OFFSETS |= {"upid": 16, "cgrp_cset_link": 48}
MOST_INSTRUCTIONS = 4096  # of a program without CAP_BPF; a small one should be far below


def test_a_record_fits_on_the_stack_in_whole_words() -> None:
    assert RECORD_BYTES % 8 == 0
    assert RECORD_BYTES + 8 <= STACK_BYTES


def test_a_record_unpacks_into_its_fields() -> None:
    inodes = tuple(range(100, 110))
    numbers = (7, 3, 1, 0, 0, 0)
    data = struct.pack(
        "=9I6I10I4xQQQQQ16s", 1, 2, 3, 4, 5, 6, 8, 9, 2, *numbers, *inodes, 10, 11, 12, 13, 4, b"sh"
    )
    record = Record._make(parse_record(data))
    assert (record.pid, record.tgid, record.ppid, record.threads) == (1, 2, 3, 9)
    assert parse_inodes(record.namespaces) == inodes
    assert parse_numbers(record) == (7, 3, 1)
    assert (record.start_time, record.runs) == (10, 11)
    assert record.membership == struct.pack("=3Q", 12, 13, 4)
    assert has_membership(record)
    assert not has_membership(record._replace(membership=struct.pack("=3Q", 12, 0, 4)))
    assert record.comm.rstrip(b"\0") == b"sh"


def test_more_levels_than_a_record_holds_are_read_elsewhere() -> None:
    record = Record._make(parse_record(bytes(RECORD_BYTES)))
    assert len(parse_numbers(record._replace(level=LEVELS - 1)) or ()) == LEVELS
    assert parse_numbers(record._replace(level=LEVELS)) is None


def test_the_program_is_small() -> None:
    assert len(assemble(OFFSETS)) // 8 < MOST_INSTRUCTIONS
    assert len(assemble(OFFSETS, memory=3)) // 8 < MOST_INSTRUCTIONS


@pytest.mark.parametrize("name", ["task_struct.pid", "css_set.cgrp_links", "upid"])
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(BpfError, match=name):
        assemble({key: value for key, value in OFFSETS.items() if key != name})


def test_an_older_kernel_does_without_some() -> None:
    without = {"task_struct.__state", "nsproxy.time_ns", "time_namespace.ns", "ipc_namespace.ns"}
    assert assemble({key: value for key, value in OFFSETS.items() if key not in without})
    without.add("task_struct.state")
    with pytest.raises(BpfError, match=r"task_struct\.__state"):
        assemble({key: value for key, value in OFFSETS.items() if key not in without})


@pytest.mark.parametrize(
    ("state", "exit_state", "letter"),
    [
        (0, 0, "R"), (1, 0, "S"), (2, 0, "D"), (4, 0, "T"), (8, 0, "t"), (0x80, 0x10, "X"),
        (0x80, 0x20, "Z"), (0, 0x20, "Z"), (0x40, 0, "P"), (0x402, 0, "I"), (0x8000, 0, "D"),
        (0x1000, 0, "D"), (0x2001, 0, "S"), (0x101, 0, "S"),
    ],
)  # fmt: skip
def test_states_have_the_letters_of_stat(state: int, exit_state: int, letter: str) -> None:
    """__task_state_index() in include/linux/sched.h."""
    assert state_letter(state, exit_state) == letter
