"""Which namespaces are the host's, on kernels and with rights of several kinds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import made_up

from nsview.host.initial import find_initial
from nsview.kernel.namespaces import INITIAL_INODES, KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task

#: A host before Linux 6.18: net and mnt are dealt out at boot.
OLD = {**INITIAL_INODES, "net": 0xF0000000, "mnt": 0xF0000001}
NEW = dict(INITIAL_INODES)
CONTAINER = {kind: 0xF0001000 + index for index, kind in enumerate(KINDS)}
UNREADABLE = dict.fromkeys(KINDS, 0)


def task(pid: int, inodes: dict[str, int], *, kernel_thread: bool = False) -> Task:
    namespaces = tuple(inodes[kind] for kind in KINDS)
    return made_up.task(pid, namespaces=namespaces, kernel_thread=kernel_thread)


def initial(tmp_path: Path, own: dict[str, int], *tasks: Task) -> dict[str, int]:
    """With ourselves in the namespaces of `own`."""
    for directory in ("self", str(os.getpid())):
        links = tmp_path / directory / "ns"
        links.mkdir(parents=True)
        for kind, inode in own.items():
            (links / kind).symlink_to(f"{kind}:[{inode}]")
    return find_initial(Procfs(str(tmp_path)), {one.pid: one for one in tasks})


@pytest.mark.parametrize("host", [OLD, NEW])
def test_the_first_process_knows(tmp_path: Path, host: dict[str, int]) -> None:
    threads = [task(pid, CONTAINER, kernel_thread=True) for pid in (2, 3)]
    assert initial(tmp_path, CONTAINER, task(1, host), *threads, task(9, CONTAINER)) == host


def test_the_fixed_numbers_where_the_first_process_hides_its_own(tmp_path: Path) -> None:
    tasks = task(1, UNREADABLE), task(2, CONTAINER, kernel_thread=True), task(9, NEW)
    assert initial(tmp_path, CONTAINER, *tasks) == NEW


def test_the_fixed_numbers_where_only_we_are_there(tmp_path: Path) -> None:
    tasks = task(1, UNREADABLE), task(2, CONTAINER, kernel_thread=True), task(9, CONTAINER)
    assert initial(tmp_path, NEW, *tasks) == NEW


def test_most_kernel_threads_where_net_and_mnt_have_no_fixed_number(tmp_path: Path) -> None:
    threads = [task(pid, OLD, kernel_thread=True) for pid in (2, 3)]
    # kdevtmpfs has a mount namespace of its own.
    odd = task(4, {**OLD, "mnt": 0xF0000077}, kernel_thread=True)
    users = [task(pid, CONTAINER) for pid in range(10, 20)]
    assert initial(tmp_path, CONTAINER, task(1, UNREADABLE), odd, *threads, *users) == OLD


def test_kernel_threads_that_may_not_be_read_say_nothing(tmp_path: Path) -> None:
    threads = [task(pid, UNREADABLE, kernel_thread=True) for pid in (2, 3, 4)]
    found = initial(tmp_path, OLD, task(1, UNREADABLE), *threads)
    assert found == OLD  # at last: our own


def test_a_kind_that_this_kernel_lacks(tmp_path: Path) -> None:
    without = {**OLD, "time": 0}
    own = {kind: inode for kind, inode in without.items() if inode}
    assert initial(tmp_path, own, task(1, without), task(2, without, kernel_thread=True)) == without


def test_nothing_can_be_told(tmp_path: Path) -> None:
    assert initial(tmp_path, {}) == UNREADABLE
