"""Paging and errors of listns, for kernels that lack it, too."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from nsview.kernel import listns
from nsview.kernel.listns import list_namespaces


class Kernel:
    """Answers as kernel/nstree.c does: ids above the cursor, ENOENT past the end."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids
        self.kinds: set[int] = set()

    def __call__(
        self, number: int, request: bytes, buffer: bytearray, room: int, flags: int
    ) -> int:
        size, spare, last, kind, more_spare, owner = struct.unpack("=IIQIIQ", request)
        assert (number, size, spare, more_spare, owner, flags) == (470, 32, 0, 0, 0, 0)
        self.kinds.add(kind)
        found = [one for one in self.ids if one > last][:room]
        if last and not found:
            raise FileNotFoundError(errno.ENOENT, "past the end")
        struct.pack_into(f"={len(found)}Q", buffer, 0, *found)
        return len(found)


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 1024, 1500])
def test_pages(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    ids = [number * 7 + 1 for number in range(count)]
    kernel = Kernel(ids)
    monkeypatch.setattr(listns, "syscall", kernel)
    assert list_namespaces() == ids
    assert kernel.kinds == {0}


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_absent(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(listns, "syscall", refuse)
    assert list_namespaces() is None
