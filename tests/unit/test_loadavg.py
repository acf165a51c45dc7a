"""How many tasks a machine has."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.loadavg import parse_tasks, read_tasks
from nsview.kernel.procfs import Procfs


@pytest.mark.parametrize(
    ("data", "tasks"),
    [
        (b"0.20 0.18 0.12 1/80 11206\n", 80),
        (b"0.20 0.18 0.12 80 11206\n", None),
        (b"0.20 0.18 0.12 1/ 11206\n", None),
        (b"", None),
    ],
)
def test_tasks(data: bytes, tasks: int | None) -> None:
    assert parse_tasks(data) == tasks


@given(st.binary())
def test_anything_else_is_no_error(data: bytes) -> None:
    parse_tasks(data)
    parse_tasks(b"1 1 1 " + data)


def test_this_host(tmp_path: Path) -> None:
    tasks = read_tasks(Procfs())
    assert tasks is not None
    assert tasks > 10
    assert read_tasks(Procfs(str(tmp_path))) is None
