"""cpu.stat, cpuacct.usage and quotas of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.cgroup_cpu import (
    CpuCounters,
    in_processors,
    parse_cpu_max,
    parse_cpu_stat,
    read_cpu,
    read_cpu_limit,
)
from nsview.kernel.cgroup_files import read_file
from nsview.kernel.cgroupfs import Place

V2 = b"""\
usage_usec 843996329
user_usec 611183378
system_usec 232812951
nr_periods 120
nr_throttled 30
throttled_usec 2500
nr_bursts 0
"""
V1 = b"nr_periods 120\nnr_throttled 30\nthrottled_time 2500000\nnr_bursts 0\n"


def place(tmp_path: Path, version: int, **files: str) -> Place:
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text)
    return Place(version, str(tmp_path), str(tmp_path))


def test_stat_of_v2_is_in_microseconds() -> None:
    assert parse_cpu_stat(V2) == CpuCounters(843996329000, 120, 30, 2500000)


def test_stat_of_v1_is_in_nanoseconds_and_has_no_usage() -> None:
    assert parse_cpu_stat(V1) == CpuCounters(0, 120, 30, 2500000)


@given(st.binary())
def test_stat_of_anything(data: bytes) -> None:
    assert all(value >= 0 for value in parse_cpu_stat(data))


@given(st.integers(1000, 10**9), st.integers(1000, 10**6))
def test_quota_is_so_many_processors(quota: int, period: int) -> None:
    assert parse_cpu_max(f"{quota} {period}\n".encode()) == quota / period


def test_no_quota() -> None:
    assert parse_cpu_max(b"max 100000\n") is None
    assert in_processors(None, 100000) is None
    assert in_processors(5, 0) is None


def test_v2_has_all_in_one_place(tmp_path: Path) -> None:
    here = place(tmp_path, 2, cpu__stat=V2.decode(), cpu__max="50000 100000\n")

    assert read_cpu(read_file, here, here) == parse_cpu_stat(V2)
    assert read_cpu_limit(read_file, here) == 0.5


def test_v1_has_the_usage_elsewhere(tmp_path: Path) -> None:
    for name in ("cpu", "cpuacct"):
        (tmp_path / name).mkdir()
    cpu = place(
        tmp_path / "cpu", 1, cpu__stat=V1.decode(), cpu__cfs_quota_us="-1\n",
        cpu__cfs_period_us="100000\n",
    )  # fmt: skip
    accounting = place(tmp_path / "cpuacct", 1, cpuacct__usage="12\n")

    assert read_cpu(read_file, cpu, accounting) == CpuCounters(12, 120, 30, 2500000)
    assert read_cpu(read_file, None, accounting) == CpuCounters(12)
    assert read_cpu_limit(read_file, cpu) is None
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("150000\n")
    assert read_cpu_limit(read_file, cpu) == 1.5


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_gone_is_nothing(tmp_path: Path, version: int) -> None:
    gone = Place(version, str(tmp_path / "gone"), str(tmp_path))

    assert read_cpu(read_file, gone, gone) is None
    assert read_cpu(read_file, None, None) is None
    assert read_cpu_limit(read_file, gone) is None
