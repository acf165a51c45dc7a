"""Our half of ctypes calls the C library as all of ctypes does."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nsview
from nsview.kernel import foreign

OURS: Any = foreign
THEIRS: Any = ctypes
_TYPES = ("c_char", "c_ushort", "c_int", "c_uint", "c_long", "c_ulong", "c_size_t", "c_char_p",
          "c_void_p")  # fmt: skip


@pytest.mark.parametrize("name", _TYPES)
def test_types(name: str) -> None:
    ours, theirs = getattr(OURS, name), getattr(THEIRS, name)

    assert ctypes.sizeof(ours) == ctypes.sizeof(theirs)
    values = (b"a", b"") if name in ("c_char", "c_char_p") else (0, 1, -1, 1 << 31, 1 << 63)
    for value in values:
        outcomes = []
        for kind in (ours, theirs):
            try:
                outcomes.append(kind(value).value)
            except TypeError:
                outcomes.append(TypeError)
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("library", ["CDLL", "PyDLL"])
def test_calls(library: str) -> None:
    def use(words: Any) -> object:
        libc = getattr(words, library)(None, use_errno=True)
        failed = libc.close(-1), words.get_errno()
        libc.strlen.restype = words.c_size_t
        libc.strchr.argtypes = (words.c_char_p, words.c_int)
        libc.strchr.restype = words.c_char_p
        buffer = words.create_string_buffer(8)
        words.memmove(buffer, b"abcdefgh", 4)
        words.memmove(words.addressof(buffer) + 4, b"12345678", 3)
        size = words.c_uint(7)
        libc.memcpy(words.byref(size), b"\2\0\0\0", 4)
        found = libc.strchr(b"where", ord("e")), libc.strchr(b"where", ord("x"))
        return failed, libc.strlen(b"four"), found, buffer.raw, buffer.value, size.value

    assert use(OURS) == use(THEIRS)
    with pytest.raises(AttributeError):
        _ = getattr(OURS, library)(None, use_errno=True).no_such_function


def test_structures_and_arrays() -> None:
    def use(words: Any) -> object:
        class Pair(words.Structure):  # type: ignore[misc]
            _fields_ = (("short", words.c_ushort), ("text", words.c_char_p))

        pairs = (Pair * 2)()
        pairs[1].short, pairs[1].text = 3, b"c"
        data = bytearray(b"xyz")
        (words.c_char * 3).from_buffer(data)[1] = b"-"
        return bytes(pairs)[:2], pairs[1].short, pairs[1].text, ctypes.sizeof(pairs), data

    assert use(OURS) == use(THEIRS)


def test_an_error_of_a_call_is_of_that_call() -> None:
    libc = OURS.CDLL(None, use_errno=True)

    assert libc.open(b"/nowhere/at/all", os.O_RDONLY) == -1
    assert OURS.get_errno() == errno.ENOENT


def test_ctypes_itself_is_not_loaded() -> None:
    code = "import sys, nsview.kernel.libc, nsview.kernel.seccomp; print('ctypes' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(nsview.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
