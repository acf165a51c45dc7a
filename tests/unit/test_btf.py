"""Type information: a small one made here, the running kernel's own, and damaged ones."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.btf import VMLINUX, Layout, parse_layout

INT, PTR, ARRAY, STRUCT, UNION, ENUM, CONST, FUNC, PROTOTYPE = 1, 2, 3, 4, 5, 6, 10, 12, 13
BIT_FIELDS = 1 << 31


class Builder:
    """Writes type information record by record; ids count from 1."""

    def __init__(self) -> None:
        self.types = b""
        self.strings = b"\0"

    def name(self, text: str) -> int:
        if not text:
            return 0
        known = self.strings.find(b"\0" + text.encode() + b"\0")
        if known >= 0:
            return known + 1
        self.strings += text.encode() + b"\0"
        return len(self.strings) - len(text) - 1

    def add(
        self, kind: int, name: str, size: int, *, count: int = 0, flag: int = 0, rest: bytes = b""
    ) -> None:
        self.types += struct.pack("=III", self.name(name), flag | kind << 24 | count, size) + rest

    def compound(
        self,
        kind: int,
        name: str,
        size: int,
        members: Sequence[tuple[str, int, int]],
        flag: int = 0,
    ) -> None:
        rest = b"".join(struct.pack("=III", self.name(n), t, bits) for n, t, bits in members)
        self.add(kind, name, size, count=len(members), flag=flag, rest=rest)

    def data(self) -> bytes:
        header = struct.pack(
            "=HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(self.types), len(self.types), len(self.strings)
        )
        return header + self.types + self.strings


def small() -> bytes:
    one = Builder()
    one.add(INT, "int", 4, rest=bytes(4))  # 1
    one.add(ENUM, "kinds", 4, count=2, rest=bytes(16))  # 2
    one.compound(UNION, "", 8, [("first", 1, 0), ("second", 1, 32)])  # 3
    one.add(CONST, "", 3)  # 4
    one.compound(STRUCT, "", 16, [("deep", 1, 0), ("", 4, 64)])  # 5
    one.compound(STRUCT, "task", 64, [("pid", 1, 0), ("", 5, 128), ("last", 1, 480)])  # 6
    one.compound(STRUCT, "bits", 8, [("flag", 1, 1 << 24 | 3), ("plain", 1, 32)], BIT_FIELDS)  # 7
    one.add(ARRAY, "", 0, rest=bytes(12))  # 8
    one.add(PROTOTYPE, "", 1, count=1, rest=bytes(8))  # 9
    one.add(FUNC, "task", 9)  # 10: the same name as a structure's
    one.add(FUNC, "walk", 9)  # 11
    return one.data()


NAMES = ("task", "task.pid", "task.deep", "task.first", "task.second", "task.last", "task.none",
         "bits.flag", "bits.plain", "nobody.pid", "int.pid")  # fmt: skip


def test_fields_sizes_and_functions_are_found_by_name() -> None:
    assert parse_layout(small(), NAMES, ["walk", "task", "run"]) == Layout(
        {"task": 64, "task.pid": 0, "task.deep": 16, "task.first": 24, "task.second": 28,
         "task.last": 60, "bits.plain": 4},
        {"walk": 11, "task": 10},
    )  # fmt: skip


def test_a_structure_that_contains_itself_is_refused() -> None:
    one = Builder()
    one.compound(STRUCT, "", 8, [("", 1, 0)])
    one.compound(STRUCT, "task", 8, [("", 1, 0)])
    with pytest.raises(ValueError, match="nest"):
        parse_layout(one.data(), ["task.pid"])


@pytest.mark.parametrize("kind", [0, 20, 31])
def test_a_record_of_unknown_length_is_refused(kind: int) -> None:
    one = Builder()
    one.add(kind, "new", 0)
    one.compound(STRUCT, "task", 8, [("pid", 1, 0)])
    with pytest.raises(ValueError, match="torn"):
        parse_layout(one.data(), ["task.pid"])


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_anything_else(data: bytes) -> None:
    _parse(data)
    _parse(small()[:24] + data)


@given(st.data())
def test_damaged_bytes_never_raise_anything_else(data: st.DataObject) -> None:
    damaged = bytearray(small())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    _parse(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    _parse(bytes(damaged))


def _parse(data: bytes) -> None:
    try:
        layout = parse_layout(data, NAMES, ["walk"])
    except ValueError:
        return
    assert layout.offsets.keys() <= set(NAMES)
    assert all(value >= 0 for value in layout.offsets.values())


@pytest.mark.skipif(not os.path.exists(VMLINUX), reason="a kernel without type information")
def test_the_running_kernel() -> None:
    with open(VMLINUX, "rb") as file:
        data = file.read()
    names = ("list_head", "list_head.next", "list_head.prev", "task_struct.comm", "task_struct",
             "task_struct.pid", "task_struct.tgid", "upid.nr", "task_struct.nobody")  # fmt: skip
    layout = parse_layout(data, names, ["bpf_iter_task", "nobody_at_all"])
    offsets = layout.offsets
    word = struct.calcsize("P")
    assert (offsets["list_head.next"], offsets["list_head.prev"]) == (0, word)
    assert offsets["list_head"] == 2 * word
    assert offsets["task_struct.tgid"] - offsets["task_struct.pid"] == 4
    assert 0 < offsets["task_struct.comm"] < offsets["task_struct"]
    assert offsets["upid.nr"] == 0
    assert "task_struct.nobody" not in offsets
    assert "nobody_at_all" not in layout.functions


@pytest.mark.skipif(not os.path.exists(VMLINUX), reason="a kernel without type information")
def test_the_running_kernel_cut_short() -> None:
    with open(VMLINUX, "rb") as file:
        data = file.read()
    for length in (0, 23, 24, 1000, len(data) // 2, len(data) - 1):
        with pytest.raises(ValueError, match=r"torn|known kind"):
            parse_layout(data[:length], ["task_struct.pid"])
