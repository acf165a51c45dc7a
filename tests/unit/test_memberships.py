"""Control groups are believed once a second look has confirmed them."""

from __future__ import annotations

import struct
from pathlib import Path

from nsview.host.memberships import Memberships
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import CgroupPath
from nsview.kernel.task_record import RECORD_BYTES, Record, parse_record

PF_EXITING = 0x4


def record(
    pid: int, css_set: int, *, start: int = 0, membership: int = 0, flags: int = 0
) -> Record:
    empty = Record._make(parse_record(bytes(RECORD_BYTES)))
    key = struct.pack("=3Q", css_set, membership, flags & PF_EXITING)
    return empty._replace(pid=pid, start_time=start, membership=key)


def place(root: Path, pid: int, path: str) -> None:
    (root / str(pid)).mkdir(exist_ok=True)
    (root / str(pid) / "cgroup").write_text(f"0::{path}\n")


def path_of(memberships: Memberships, one: Record) -> str | None:
    cgroups = memberships.get(one)
    return cgroups[0].path if cgroups else None


def test_one_is_read_for_all_in_the_same_groups(tmp_path: Path) -> None:
    memberships = Memberships(Procfs(str(tmp_path)))
    place(tmp_path, 2, "/web")
    tasks = [
        record(pid, 0x10, start=pid) for pid in (3, 2, 4)
    ]  # 2 is the oldest; no other is there
    assert memberships.learn(tasks)
    assert path_of(memberships, tasks[0]) is None
    assert not memberships.learn(tasks)
    assert [path_of(memberships, task) for task in tasks] == ["/web"] * 3


def test_who_moved_meanwhile_is_no_witness(tmp_path: Path) -> None:
    memberships = Memberships(Procfs(str(tmp_path)))
    before, after = record(2, 0x10), record(2, 0x20)
    place(tmp_path, 2, "/new")  # it was in 0x10, and is in 0x20 when its file is read
    assert memberships.learn([before])
    assert memberships.learn([after])
    assert not memberships.learn([after])
    assert path_of(memberships, after) == "/new"
    assert path_of(memberships, before) is None


def test_the_next_oldest_stands_in_for_who_has_gone(tmp_path: Path) -> None:
    memberships = Memberships(Procfs(str(tmp_path)))
    place(tmp_path, 3, "/web")
    tasks = [record(2, 0x10, start=1), record(3, 0x10, start=2)]
    memberships.learn(tasks)
    memberships.learn(tasks)
    assert path_of(memberships, tasks[0]) == "/web"


def test_an_address_used_again_is_another_membership(tmp_path: Path) -> None:
    memberships = Memberships(Procfs(str(tmp_path)))
    place(tmp_path, 2, "/web")
    tasks = [record(2, 0x10, membership=1)]
    memberships.learn(tasks)
    memberships.learn(tasks)
    assert path_of(memberships, tasks[0]) == "/web"
    assert path_of(memberships, record(2, 0x10, membership=2)) is None
    assert path_of(memberships, record(2, 0x10, membership=1, flags=PF_EXITING)) is None


def test_what_is_read_at_once_is_not_remembered(tmp_path: Path) -> None:
    memberships = Memberships(Procfs(str(tmp_path)))
    place(tmp_path, 2, "/web")
    one = record(2, 0x10)
    assert memberships.read(one) == (CgroupPath(0, "", "/web"),)
    assert memberships.get(one) is None
    assert memberships.read(record(3, 0x10)) is None
