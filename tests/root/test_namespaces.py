"""Namespaces held by each thing that can hold one, made here and looked for on the whole host."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import processes
from support.descriptors import open_descriptors
from support.oracles import lsns
from support.processes import inode

from nsview.host.census import ProcfsCensus
from nsview.host.initial import find_initial
from nsview.host.model import Holder, Namespace, Snapshot
from nsview.host.namespaces import read_namespaces
from nsview.kernel.namespaces import KINDS
from nsview.kernel.nsfs import iter_mount_namespaces
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import parse_stat

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")


def _snapshot(procfs: Procfs) -> Snapshot:
    tasks = ProcfsCensus(procfs).read()
    initial = find_initial(procfs, tasks)
    return Snapshot(tasks=tasks, containers=(), membership={}, initial=initial)


def _search(
    kinds: tuple[str, ...] = KINDS, *, sockets: bool = False, holders: bool = True
) -> dict[tuple[str, int], Namespace]:
    procfs = Procfs()
    found = read_namespaces(
        procfs, _snapshot(procfs), kinds=kinds, sockets=sockets, holders=holders
    )
    return {(one.kind, one.ino): one for one in found}


def _only_holder(namespace: Namespace) -> Holder:
    (holder,) = namespace.held_by
    return holder


def test_members_are_counted_and_the_first_one_speaks() -> None:
    with processes.sandbox("--net") as pid, processes.joined_by_setns(pid, "--net") as second:
        net = _search()["net", inode(second, "net")]
    assert (net.processes, net.pid, net.threads) == (2, pid, 0)
    assert (net.uid, net.user, net.command) == (0, "root", "sleep")
    assert net.ppid is not None
    assert net.path == f"/proc/{pid}/ns/net"
    assert not net.initial
    assert net.owner == inode("self", "user")
    assert _only_holder(net) == Holder(kind="process", pid=pid, count=2)


def test_our_own_namespaces_are_the_initial_ones_where_they_are() -> None:
    found = _search()
    for kind in KINDS:
        assert found[kind, inode("self", kind)].processes > 0
    assert sum(one.initial for one in found.values()) == len(KINDS)


@pytest.mark.parametrize("kind", ["mnt", "net", "uts", "ipc", "cgroup"])
def test_a_thread_that_left_its_process(kind: str) -> None:
    with processes.thread_in_new_namespace(kind) as held:
        found = _search()[kind, held.ino]
    assert (found.processes, found.threads, found.pid) == (0, 1, held.pid)
    assert _only_holder(found) == Holder(kind="thread", pid=held.pid, tid=held.tid)
    assert found.owner is not None


@pytest.mark.parametrize("kind", ["mnt", "net", "uts", "ipc", "user", "cgroup"])
def test_a_descriptor(kind: str) -> None:
    with processes.held_by_fd(kind) as held:
        found = _search((kind,))[kind, held.ino]
    assert (found.processes, found.pid) == (0, None)
    assert _only_holder(found) == Holder(kind="fd", pid=held.pid, fd=held.fd)
    assert found.path == f"/proc/{held.pid}/fd/{held.fd}"
    assert found.owner == inode("self", "user")


@pytest.mark.parametrize("kind", ["net", "uts", "ipc", "user", "cgroup"])
def test_a_bind_mount_in_another_mount_namespace(kind: str) -> None:
    with processes.held_by_bind_mount(kind, "it") as held:
        mount_ns = inode(held.pid, "mnt")
        found = _search((kind,))[kind, held.ino]
    assert _only_holder(found) == Holder(kind="bind", path="/mnt/it", mount_ns=mount_ns)
    assert found.owner is not None, "it was not opened"
    assert found.nsfs == (), "that is no path of ours"
    assert found.path == f"/proc/{held.pid}/root/mnt/it"


def test_a_covered_bind_mount_is_known_and_what_covers_it_is_left_alone() -> None:
    script = "mount -t tmpfs t /mnt && : >/mnt/it && echo && read pid"
    script += " && mount --bind /proc/$pid/ns/net /mnt/it"
    script += " && mount -t tmpfs t /mnt && mkfifo /mnt/it && { (: >/mnt/it; echo opened) & }"
    script += " && echo && exec cat"
    with processes.started("unshare", "--mount", "--", "sh", "-c", script) as process:
        processes.read_line(process)
        with processes.sandbox("--net") as pid:
            ino = inode(pid, "net")
            processes.write_line(process, str(pid))
            processes.read_line(process)
        found = _search(("net",))["net", ino]
        assert select.select([process.stdout], [], [], 0.1)[0] == [], "the FIFO was opened"
    assert _only_holder(found).path == "/mnt/it"
    assert found.owner is None


def test_a_bind_mount_of_our_own_is_a_path_of_ours() -> None:
    name = f"nsview-test-{os.getpid()}"
    path = f"/run/netns/{name}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        ino = os.stat(path).st_ino
        found = _search(("net",))["net", ino]
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)
    assert found.nsfs == (path,)
    assert found.path == path
    assert found.netnsid == -1
    assert _only_holder(found).kind == "bind"


@contextlib.contextmanager
def _bind_in_a_mount_namespace_without_processes() -> Iterator[tuple[int, int, int]]:
    # (pid of who holds the mount namespace by a descriptor, inode of that, inode of the netns)
    with contextlib.ExitStack() as stack:
        with processes.held_by_bind_mount("net") as held:
            descriptor = os.open(f"/proc/{held.pid}/ns/mnt", os.O_RDONLY)
            try:
                mount_ns = os.fstat(descriptor).st_ino
                holder = stack.enter_context(processes.started("cat", pass_fds=(descriptor,)))
            finally:
                os.close(descriptor)
        processes.wait_until(lambda: processes.running(holder.pid))
        yield holder.pid, mount_ns, held.ino


def test_a_bind_mount_in_a_mount_namespace_without_processes() -> None:
    with _bind_in_a_mount_namespace_without_processes() as (pid, mount_ns, ino):
        found = _search(("net",))["net", ino]
        outer = _search(("mnt",))["mnt", mount_ns]
    assert _only_holder(found) == Holder(kind="bind", path="/mnt/held", mount_ns=mount_ns)
    assert found.owner is not None, "it was not opened"
    assert (_only_holder(outer).kind, _only_holder(outer).pid) == ("fd", pid)


def test_the_same_without_the_kernels_own_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before Linux 6.12: no walk from mount namespace to mount namespace, no statmount."""
    monkeypatch.setattr("nsview.host.namespace_search.iter_mount_namespaces", lambda _: iter(()))
    monkeypatch.setattr("nsview.kernel.statmount.read_mounts", lambda _: None)
    with _bind_in_a_mount_namespace_without_processes() as (_, mount_ns, ino):
        found = _search(("net",))["net", ino]
    assert _only_holder(found) == Holder(kind="bind", path="/mnt/held", mount_ns=mount_ns)
    assert found.owner is not None, "it was not opened"


def test_a_mount_namespace_that_only_the_kernels_list_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    descriptor = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    try:
        if not any(iter_mount_namespaces(descriptor)):
            pytest.skip("this kernel lists no mount namespaces (Linux 6.12)")
    finally:
        os.close(descriptor)
    monkeypatch.setattr("nsview.host.namespace_search.find_in_descriptors", lambda *_: iter(()))
    with _bind_in_a_mount_namespace_without_processes() as (_, mount_ns, ino):
        found = _search()
    assert _only_holder(found["mnt", mount_ns]).kind == "unknown"
    assert _only_holder(found["net", ino]).kind == "bind"
    assert found["net", ino].owner is not None


def test_a_socket_when_asked_for() -> None:
    with processes.held_by_socket() as held:
        unasked = _search(("net",))
        found = _search(("net",), sockets=True)["net", held.ino]
    assert ("net", held.ino) not in unasked
    assert _only_holder(found) == Holder(kind="socket", pid=held.pid, fd=held.fd)
    assert found.owner is not None


def test_a_namespace_for_children_only() -> None:
    with processes.sandbox("--pid") as pid:
        launcher = parse_stat(Path(f"/proc/{pid}/stat").read_bytes()).ppid
        found = _search(("pid",))["pid", inode(pid, "pid")]
    assert (found.processes, found.pid, found.path) == (1, pid, f"/proc/{pid}/ns/pid")
    assert found.held_by == (
        Holder(kind="process", pid=pid),
        Holder(kind="process", pid=launcher, children=True),
    )


def test_nested_pid_namespaces_are_parents_and_children() -> None:
    with processes.nested_pid_namespaces(3) as pids:
        found = _search(("pid",))
        inodes = list(dict.fromkeys(inode(pid, "pid") for pid in pids))
    above = [inode("self", "pid"), *inodes]
    assert [found["pid", ino].parent for ino in inodes] == above[:-1]
    child = next(one for one in found["pid", inodes[0]].held_by if one.kind == "child")
    assert (child.namespace_kind, child.ino, child.count) == ("pid", inodes[1], 1)


def test_a_hidden_user_namespace_is_found_as_owner_and_parent() -> None:
    """bubblewrap makes two, and leaves no process in the outer one but itself."""
    with processes.bwrap() as pid:
        found = _search()
        user = found["user", inode(pid, "user")]
        outer = found["user", found["mnt", inode(pid, "mnt")].owner or 0]
    assert user.parent == outer.ino
    kinds = {(one.kind, one.namespace_kind) for one in outer.held_by}
    assert {("child", "user"), ("owned", "mnt"), ("owned", "net")} <= kinds
    assert (outer.parent, outer.owner_uid) == (inode("self", "user"), 0)


def test_what_only_listns_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Linux 6.19 by its answer as it would be; the rest is the kernel's."""
    with processes.held_by_fd("net") as held:
        path = f"/proc/{held.pid}/fd/{held.fd}"
        found = _search(("net",))["net", held.ino]
        if found.id is None:
            pytest.skip("this kernel gives namespaces no ids")
        numbers = [found.id]
        monkeypatch.setattr("nsview.kernel.listns.list_namespaces", lambda: numbers)
        monkeypatch.setattr(
            "nsview.kernel.nsfs_handle.open_by_id", lambda _: os.open(path, os.O_RDONLY)
        )
        assert _search(("net",))["net", held.ino] == found, "it was known already"
        monkeypatch.setattr("nsview.host.namespace_search.find_in_descriptors", lambda *_: iter(()))
        unexplained = _search(("net",))["net", held.ino]
    assert _only_holder(unexplained) == Holder(kind="unknown")
    assert (unexplained.id, unexplained.owner) == (found.id, found.owner)


def test_processes_that_come_and_go_break_nothing() -> None:
    churn = "while :; do unshare --net --uts true & true & true & wait; done"
    with processes.started("sh", "-c", churn), processes.sandbox("--net") as pid:
        for _ in range(20):
            assert _search()["net", inode(pid, "net")].processes == 1


def test_nothing_stays_open() -> None:
    with processes.held_by_bind_mount("net"), processes.held_by_socket():
        _search(sockets=True)
        before = open_descriptors()
        _search(sockets=True)
        assert open_descriptors() == before


def test_without_holders_only_processes_and_what_is_above_them() -> None:
    with processes.held_by_fd("net") as held, processes.sandbox("--net") as pid:
        found = _search(holders=False)
        ino = inode(pid, "net")
    assert ("net", held.ino) not in found
    assert (found["net", ino].held_by, found["net", ino].processes) == ((), 1)


def test_the_same_as_lsns_for_our_sandboxes() -> None:
    columns = "NS,TYPE,NPROCS,PID,PPID,UID,USER,PNS,ONS,NETNSID"
    with contextlib.ExitStack() as stack:
        pids = [
            stack.enter_context(processes.sandbox("--net", "--mount", "--ipc", "--uts")),
            stack.enter_context(processes.sandbox("--user", "--map-root-user", "--pid", "--net")),
            stack.enter_context(processes.shifted_time()),
            stack.enter_context(processes.uid_mapped("--cgroup")),
            *stack.enter_context(processes.nested_pid_namespaces(2)),
        ]
        found = _search()
        wanted = {(kind, inode(pid, kind)) for pid in pids for kind in KINDS}
        theirs = lsns("-o", columns)
    rows = {(row["type"], int(row["ns"])): row for row in theirs}
    for key in wanted:
        one, row = found[key], rows[key]
        if one.initial:
            continue  # others come and go in there
        assert one.processes == int(row["nprocs"])
        assert (one.pid, one.ppid) == (int(row["pid"]), int(row["ppid"]))
        assert (one.uid, one.user or str(one.uid)) == (int(row["uid"]), row["user"])
        assert (one.parent or 0) == int(row["pns"] or 0)
        assert (one.owner or 0) == int(row["ons"] or 0)
        if one.kind == "net":
            assert row["netnsid"] == ("unassigned" if one.netnsid == -1 else str(one.netnsid))
