from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support import made_up

from nsview.host.found import Found
from nsview.host.holders import Sighting, find_in_mounts, find_in_processes, parse_nsfs_mounts
from nsview.host.model import Holder
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task

_BIND = b"42 27 0:4 net:[4026532254] /run/netns/blue rw shared:3 - nsfs nsfs rw\n"
_OTHER = b"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"


def _task(pid: int, *, net: int = 5, pid_for_children: int = 5) -> Task:
    namespaces = tuple(net if kind == "net" else 5 for kind in KINDS)
    return made_up.task(
        pid, namespaces=namespaces, pid_for_children=pid_for_children, time_for_children=5
    )


def test_processes_with_the_same_namespaces_are_seen_once() -> None:
    sightings = list(find_in_processes(Procfs(), [_task(1), _task(2), _task(3, net=9)]))
    nets = [one for one in sightings if one.kind == "net"]
    assert [(one.ino, one.holder.pid, one.holder.count) for one in nets] == [(5, 1, 2), (9, 3, 1)]
    assert nets[1].path == "/proc/3/ns/net"


def test_a_namespace_of_the_next_child_is_no_membership() -> None:
    (child,) = (
        one for one in find_in_processes(Procfs(), [_task(7, pid_for_children=8)]) if one.ino == 8
    )
    assert (child.kind, child.holder.children) == ("pid", True)
    assert child.path == "/proc/7/ns/pid_for_children"
    found = Found("pid", 8)
    found.add(child)
    assert (found.processes, found.member) == (0, None)


def test_what_may_not_be_read_is_no_namespace() -> None:
    unreadable = _task(1)._replace(
        namespaces=(0,) * len(KINDS), pid_for_children=0, time_for_children=0
    )
    assert list(find_in_processes(Procfs(), [unreadable])) == []


def test_only_nsfs_lines_are_parsed_and_only_namespaces_are_sightings() -> None:
    mounts = parse_nsfs_mounts(_OTHER + _BIND + _OTHER)
    (sighting,) = find_in_mounts(mounts, 77, "/proc/9/root")
    assert (sighting.kind, sighting.ino) == ("net", 4026532254)
    assert sighting.holder == Holder(kind="bind", path="/run/netns/blue", mount_ns=77)
    assert (sighting.root, sighting.path) == ("/proc/9/root", "/run/netns/blue")
    assert parse_nsfs_mounts(_OTHER) == ()


def test_a_directory_that_is_called_like_a_namespace_fools_nobody() -> None:
    forged = b"42 27 254:0 net:[4026532254] /x rw - ext4 /dev/vda rw\n"
    forged += b"43 27 0:4 net:[1]x /y\\040-\\040nsfs\\040 rw - tmpfs none rw\n"
    assert list(find_in_mounts(parse_nsfs_mounts(forged), 77, None)) == []


def test_reasons_of_one_sort_are_counted_and_the_rest_are_kept_apart() -> None:
    found = Found("net", 5)
    for holder in (
        Holder(kind="bind", path="/run/netns/a", mount_ns=2),
        Holder(kind="fd", pid=9, fd=3),
        Holder(kind="fd", pid=9, fd=4),
        Holder(kind="fd", pid=8, fd=3),
        Holder(kind="bind", path="/run/netns/a", mount_ns=1),
        Holder(kind="process", pid=7, count=2),
        Holder(kind="process", pid=6),
    ):
        found.add(Sighting("net", 5, holder))
    assert found.held_by == (
        Holder(kind="process", pid=6, count=3),
        Holder(kind="fd", pid=8, fd=3),
        Holder(kind="fd", pid=9, fd=3, count=2),
        Holder(kind="bind", path="/run/netns/a", mount_ns=2, count=2),
    )
    assert (found.processes, found.pid) == (3, 6)


def test_nothing_visible_is_unknown() -> None:
    assert Found("net", 5).held_by == (Holder(kind="unknown"),)


@given(st.binary())
def test_any_mount_table_can_be_searched(data: bytes) -> None:
    for sighting in find_in_mounts(parse_nsfs_mounts(data + b" - nsfs " + data), 1, None):
        assert sighting.kind in KINDS
