"""One process, closer: read from a captured /proc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tui import fake_details as fake

from nsview.host.process_details import read_process_details, read_uid_maps
from nsview.kernel.idmap import IdRange
from nsview.kernel.procfs import Procfs

TASK = fake.task(6000, 1, "worker", fake.WORKER, (6000, 1), uid=100000)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with the one process 6000, started at 60000 ticks."""
    here = tmp_path / "6000"
    here.mkdir()
    (here / "cmdline").write_bytes(b"python3\0wor\xffker.py\0")
    (here / "uid_map").write_bytes(b"         0     100000      65536\n")
    (here / "gid_map").write_bytes(b"         0     200000      65536\n")
    fields = ["S", "1", *["0"] * 17, "60000", *["0"] * 30]
    (here / "stat").write_text(f"6000 (worker) {' '.join(fields)}\n")
    os.symlink("/usr/bin/python3", here / "exe")
    return tmp_path


def test_everything_is_read(proc: Path) -> None:
    details = read_process_details(Procfs(str(proc)), TASK)

    assert details is not None
    assert details.command == ("python3", "wor\udcffker.py")
    assert details.executable == "/usr/bin/python3"
    assert details.uid_map == (IdRange(0, 100000, 65536),)
    assert details.gid_map == (IdRange(0, 200000, 65536),)
    assert details.root is None


def test_a_reused_pid_is_another_process(proc: Path) -> None:
    assert read_process_details(Procfs(str(proc)), TASK._replace(start_time=1)) is None


def test_a_process_that_is_gone(proc: Path) -> None:
    assert read_process_details(Procfs(str(proc)), TASK._replace(pid=31337)) is None


def test_one_member_speaks_for_its_user_namespace(proc: Path) -> None:
    maps = read_uid_maps(Procfs(str(proc)), fake.snapshot(), [31337, 6000, 6007])

    assert maps == {fake.WORKER[5]: (IdRange(0, 100000, 65536),)}
