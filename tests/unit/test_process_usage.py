"""statm, io and meminfo."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.cgroup_io import IoCounters
from nsview.kernel.meminfo import MemoryOfMachine, parse_meminfo, read_meminfo
from nsview.kernel.process_usage import Statm, parse_process_io, parse_statm
from nsview.kernel.procfs import Procfs

IO = b"rchar: 9\nwchar: 8\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 5\n"
MEMINFO = b"MemTotal: 24 kB\nMemFree:  1 kB\nMemAvailable: 12 kB\nSwapTotal: 4 kB\nSwapFree: 3 kB\n"


def test_statm() -> None:
    assert parse_statm(b"2048 100 30 1 0 200 0\n") == Statm(100, 30)
    with pytest.raises(ValueError, match="too few"):
        parse_statm(b"1 2")


def test_own_statm_as_psutil_has_it() -> None:
    data = Path("/proc/self/statm").read_bytes()
    page = os.sysconf("SC_PAGE_SIZE")
    ours, theirs = parse_statm(data).resident * page, psutil.Process().memory_info().rss

    assert 0.5 < ours / theirs < 2


def test_io() -> None:
    assert parse_process_io(IO) == IoCounters(4096, 8192)


@given(st.binary())
def test_anything_is_no_error(data: bytes) -> None:
    assert parse_process_io(data).read >= 0
    whole = parse_meminfo(data)
    assert whole is None or whole.total >= 0


def test_meminfo() -> None:
    assert parse_meminfo(MEMINFO) == MemoryOfMachine(24576, 12288, 4096, 3072)
    assert parse_meminfo(MEMINFO.replace(b"Available", b"Other")) is None


def test_meminfo_as_psutil_has_it() -> None:
    ours, theirs = read_meminfo(Procfs()), psutil.virtual_memory()

    assert ours is not None
    assert ours.total == theirs.total
    assert 0.5 < ours.available / theirs.available < 2
