"""/proc/PID/stat: hostile names, torn lines."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import PF_KTHREAD, parse_stat

REST = (
    b" R 6774 6775 27699 34816 0 4194304 104 0 0 0 12 7 0 0 20 0 3 0 295141 3133440 418 "
    b"18446744073709551615 94044340932608 94044340952489 140736320012656 0 0 0 0 0 0 0 0 0 17 1 0 "
    b"0 0 0 0 94044340968496 94044340970112 94044664815616 140736320015038 140736320015094 "
    b"140736320015094 140736320016363 0\n"
)
KTHREADD = (
    b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 22 0 0 18446744073709551615 0 0 0 "
    b"0 0 0 0 2147483647 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)


def test_fields() -> None:
    stat = parse_stat(b"6776 (cat)" + REST)
    assert stat._asdict() == {
        "pid": 6776,
        "comm": "cat",
        "state": "R",
        "ppid": 6774,
        "session": 27699,
        "tty": 34816,
        "flags": 4194304,
        "utime": 12,
        "stime": 7,
        "num_threads": 3,
        "start_time": 295141,
        "rss": 418,
    }
    assert not stat.flags & PF_KTHREAD


def test_kernel_thread() -> None:
    stat = parse_stat(KTHREADD)
    assert stat.flags & PF_KTHREAD
    assert (stat.start_time, stat.rss) == (22, 0)


@given(st.binary(min_size=0, max_size=15).filter(lambda comm: b"\0" not in comm))
def test_any_name_is_only_a_name(comm: bytes) -> None:
    stat = parse_stat(b"6776 (" + comm + b")" + REST)
    assert os.fsencode(stat.comm) == comm
    assert (stat.pid, stat.ppid, stat.start_time) == (6776, 6774, 295141)


@pytest.mark.parametrize("comm", [b") R 1 1 1", b"((", b"))", b"a) S 1\n", b"\n", b""])
def test_names_that_look_like_more(comm: bytes) -> None:
    assert parse_stat(b"6776 (" + comm + b")" + REST).ppid == 6774


@pytest.mark.parametrize("length", range(0, 80, 3))
def test_a_torn_line_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_stat((b"6776 (cat)" + REST)[:length])


@given(st.binary() | st.binary().map(lambda noise: b"1 (" + noise + b") " + noise))
def test_anything_else_is_a_value_error(data: bytes) -> None:
    try:
        parse_stat(data)
    except ValueError:
        return


def test_ourselves() -> None:
    data = Procfs().read_record(os.getpid(), "stat")
    assert data is not None
    stat = parse_stat(data)
    assert (stat.pid, stat.ppid, stat.session) == (os.getpid(), os.getppid(), os.getsid(0))
