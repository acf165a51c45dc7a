"""When the host booted."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.procfs import Procfs
from nsview.kernel.uptime import parse_boot_time, read_boot_time

STAT = b"cpu  1 2 3\nintr 5 btime 6\nctxt 2\nbtime 1763932725\nprocesses 7\n"


def test_btime() -> None:
    assert parse_boot_time(STAT) == 1763932725.0
    assert parse_boot_time(b"cpu 1 2\nbtime \n") == 0.0


@given(st.binary() | st.binary().map(lambda noise: b"btime " + noise))
def test_anything_else_is_a_number(data: bytes) -> None:
    assert parse_boot_time(data) >= 0.0


def test_this_host() -> None:
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert abs(read_boot_time(Procfs()) - (time.time() - uptime)) < 5
