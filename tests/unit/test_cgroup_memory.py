"""memory.stat, events and limits of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.cgroup_files import read_file
from nsview.kernel.cgroup_memory import (
    MemoryCounters,
    MemoryEvents,
    MemoryLimits,
    MemoryStat,
    parse_memory_events,
    parse_memory_stat,
    read_memory,
    read_memory_limits,
)
from nsview.kernel.cgroupfs import Place

V1 = """\
cache 1
rss 2
inactive_file 3
hierarchical_memory_limit 9223372036854771712
total_cache 4096
total_rss 143360
total_rss_huge 0
total_swap 512
total_inactive_file 1024
"""
V2 = """\
anon 143360
file 4096
kernel 16384
kernel_stack 8192
pagetables 4096
inactive_file 1024
"""
BEFORE_5_18 = "anon 1\nfile 2\nkernel_stack 10\npagetables 20\npercpu 30\nsock 40\nslab 50\n"
EVENTS = "low 0\nhigh 4\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n"


def place(directory: Path, version: int, files: dict[str, str]) -> Place:
    for name, text in files.items():
        (directory / name).write_text(text)
    return Place(version, str(directory), str(directory))


def test_stat_of_v1_counts_the_groups_below() -> None:
    assert parse_memory_stat(V1.encode()) == MemoryStat(143360, 4096, 1024, None, 512)


def test_stat_of_v2() -> None:
    assert parse_memory_stat(V2.encode()) == MemoryStat(143360, 4096, 1024, 16384, None)


def test_kernel_memory_is_a_sum_before_it_had_a_line() -> None:
    assert parse_memory_stat(BEFORE_5_18.encode()).kernel == 150


@given(st.binary())
def test_anything_is_no_error(data: bytes) -> None:
    assert parse_memory_stat(data).anon >= 0
    assert all(count >= 0 for count in parse_memory_events(data))


def test_events() -> None:
    assert parse_memory_events(EVENTS.encode()) == MemoryEvents(high=4, max=3, oom=2, oom_kill=1)
    oom_control = b"oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"
    assert parse_memory_events(oom_control) == MemoryEvents(oom_kill=5)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_working_set_is_without_what_goes_first(used: int, inactive: int) -> None:
    stat = MemoryStat(0, inactive, inactive, None, None)
    working = MemoryCounters(used, stat, MemoryEvents()).working_set
    assert working == max(0, used - inactive)


def test_all_of_v2(tmp_path: Path) -> None:
    files = {
        "memory.stat": V2,
        "memory.current": "200000\n",
        "memory.swap.current": "7\n",
        "memory.events": EVENTS,
        "memory.max": "max\n",
        "memory.high": "300000\n",
        "memory.swap.max": "0\n",
    }
    here = place(tmp_path, 2, files)
    found = read_memory(read_file, here)

    assert found is not None
    assert (found.used, found.working_set) == (200000, 200000 - 1024)
    assert (found.stat.swap, found.events.oom_kill) == (7, 1)
    assert read_memory_limits(read_file, here) == MemoryLimits(max=None, high=300000, swap=0)


def test_root_of_v2_is_charged_nothing(tmp_path: Path) -> None:
    found = read_memory(read_file, place(tmp_path, 2, {"memory.stat": V2}))

    assert found is not None
    assert found.used == 143360 + 4096 + 16384
    assert found.stat.swap is None


def test_all_of_v1(tmp_path: Path) -> None:
    files = {
        "memory.stat": V1,
        "memory.usage_in_bytes": "262144\n",
        "memory.kmem.usage_in_bytes": "114688\n",
        "memory.failcnt": "7\n",
        "memory.memsw.failcnt": "2\n",
        "memory.oom_control": "oom_kill 2\n",
        "memory.limit_in_bytes": "524288\n",
    }
    here = place(tmp_path, 1, files)
    found = read_memory(read_file, here)

    assert found is not None
    assert (found.used, found.stat.kernel) == (262144, 114688)
    assert found.events == MemoryEvents(max=9, oom_kill=2)
    assert read_memory_limits(read_file, here) == MemoryLimits(max=524288)


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_gone_is_nothing(tmp_path: Path, version: int) -> None:
    gone = Place(version, str(tmp_path / "gone"), str(tmp_path))

    assert read_memory(read_file, gone) is None
    assert read_memory_limits(read_file, gone) == MemoryLimits()
