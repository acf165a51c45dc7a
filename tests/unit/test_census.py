"""The census on a captured /proc: what is read, what is remembered, what is left out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nsview.host.census import ProcfsCensus, read_task
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import PF_KTHREAD
from nsview.kernel.task import CgroupPath, Task

READS_UNTIL_ANYWAY = 16
HOST = {kind: 4026531835 + index for index, kind in enumerate(KINDS)}
OURS = 50  # `self`

_STAT = (
    "{pid} ({comm}) {state} {ppid} 1 1 0 -1 {flags} 0 0 0 0 3 1 0 0 20 0 {threads} 0 {start} 8192 2"
)
_STATUS = "Name:\t{comm}\nTgid:\t{pid}\nUid:\t0\t{uid}\t0\t0\nGid:\t0\t0\t0\t0\nNSpid:\t{pids}\n"


class Tree:
    """A proc file system in a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.add(1, comm="init")
        self.add(OURS)
        (root / "self").symlink_to(str(OURS))
        (root / "meminfo").touch()

    def add(
        self,
        pid: int,
        *,
        ppid: int = 1,
        start: int | None = None,
        comm: str = "x",
        state: str = "S",
        flags: int = 0,
        ran: str | None = "7 8 9",
        pids: tuple[int, ...] = (),
        namespaces: dict[str, int] = HOST,
        cgroup: str = "0::/init.scope\n",
        uid: int = 4711,
    ) -> None:
        """Write a process, or write it anew."""
        home = self.root / str(pid)
        shutil.rmtree(home, ignore_errors=True)
        (home / "ns").mkdir(parents=True)
        values = {
            "pid": pid,
            "ppid": 0 if pid == 1 else ppid,
            "start": pid if start is None else start,
            "comm": comm,
            "state": state,
            "flags": flags,
            "threads": 1,
            "uid": uid,
            "pids": "\t".join(map(str, pids or (pid,))),
        }
        (home / "stat").write_text(_STAT.format_map(values))
        (home / "status").write_text(_STATUS.format_map(values))
        (home / "cgroup").write_text(cgroup)
        if ran is not None:
            (home / "schedstat").write_text(ran + "\n")
        for kind, inode in namespaces.items():
            (home / "ns" / kind).symlink_to(f"{kind}:[{inode}]")
        for kind in ("pid", "time"):
            inode = namespaces.get(kind, 0)
            (home / "ns" / f"{kind}_for_children").symlink_to(f"{kind}:[{inode}]")

    def remove(self, pid: int) -> None:
        shutil.rmtree(self.root / str(pid))

    def census(self) -> ProcfsCensus:
        return ProcfsCensus(Procfs(str(self.root)))

    def warm(self) -> tuple[ProcfsCensus, dict[int, Task]]:
        """A census that knows all that there is, and what it read at last."""
        census = self.census()
        census.read()
        return census, census.read()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_row(tree: Tree) -> None:
    tree.add(60, ppid=OURS, comm="k) R (", flags=0x00200040, cgroup="0::/a:b\n")
    row = tree.census().read()[60]
    assert (row.pid, row.start_time, row.ppid, row.pids) == (60, 60, OURS, (60,))
    assert row.identity == (60, 60)
    assert row.namespaces == tuple(HOST.values())
    assert (row.pid_for_children, row.time_for_children) == (HOST["pid"], HOST["time"])
    assert row.uid == os.stat(tree.root / "60").st_uid
    assert row.cgroups == (CgroupPath(0, "", "/a:b"),)
    assert (row.comm, row.state, row.threads, row.kernel_thread) == ("k) R (", "S", 1, True)
    assert list(tree.census().read()) == [1, OURS, 60]


def test_in_another_pid_namespace_the_status_is_read(tree: Tree) -> None:
    tree.add(60, namespaces={**HOST, "pid": 9}, pids=(60, 1), uid=100_000)
    row = tree.census().read()[60]
    assert (row.pids, row.uid) == ((60, 1), 100_000)


def test_before_linux_4_1_a_process_has_one_number(tree: Tree) -> None:
    tree.add(60, namespaces={**HOST, "pid": 9})
    for pid in (OURS, 60):
        status = tree.root / str(pid) / "status"
        status.write_text(status.read_text().replace("NSpid", "Nothing"))
    assert tree.census().read()[60].pids == (60,)


@pytest.mark.parametrize("known", ["by two numbers", "not at all"])
def test_a_proc_of_another_pid_namespace(tree: Tree, known: str) -> None:
    """The host's, given to a container that we are in: our namespace is not that of /proc."""
    inner = {**HOST, "pid": 9}
    tree.add(OURS, namespaces=inner, pids=(OURS, 2))
    tree.add(60, namespaces=inner, pids=(60, 3))
    if known == "not at all":
        (tree.root / "self").unlink()
    tree.add(os.getpid(), namespaces=inner, pids=(os.getpid(), 4))  # somebody with our number
    rows = tree.census().read()
    assert rows[60].pids == (60, 3)
    assert rows[os.getpid()].pids == (os.getpid(), 4)


def test_who_may_not_be_looked_at_does_not_seem_to_be_in_our_namespace(tree: Tree) -> None:
    (tree.root / "self").unlink()
    tree.add(60, namespaces={}, pids=(60, 1))
    assert tree.census().read()[60].pids == (60, 1)


def test_who_has_run_is_read_again(tree: Tree) -> None:
    tree.add(60)
    census, _ = tree.warm()
    tree.add(60, ran="8 8 10", namespaces={**HOST, "net": 9}, comm="new")
    after = census.read()[60]
    assert after.comm == "new"
    assert after.namespaces[KINDS.index("net")] == 9


def test_who_has_not_run_is_not_read_until_it_is_due(tree: Tree) -> None:
    tree.add(60)
    census, rows = tree.warm()
    first = rows[60]
    tree.add(60, comm="new")  # its parent wrote /proc/60/comm: it has not run
    seen = [census.read()[60] for _ in range(READS_UNTIL_ANYWAY)]
    old = [row for row in seen if row.comm == "x"]
    assert 0 < len(old) < READS_UNTIL_ANYWAY
    assert all(row is first for row in old)
    assert seen[-1].comm == "new"


def test_not_all_are_due_at_once(tree: Tree) -> None:
    """The work is spread: of sixteen neighbours, one is read again at each read."""
    pids = range(64, 64 + READS_UNTIL_ANYWAY)
    for pid in pids:
        tree.add(pid)
    census, _ = tree.warm()
    for pid in pids:
        tree.add(pid, comm="new")
    for number in range(1, READS_UNTIL_ANYWAY + 1):
        rows = census.read()
        assert sum(rows[pid].comm == "new" for pid in pids) == number


@pytest.mark.parametrize("ran", [None, "0 0 0", "0 5 1"])
def test_who_does_not_say_whether_it_has_run_is_always_read(tree: Tree, ran: str | None) -> None:
    tree.add(60, ran=ran)
    census, _ = tree.warm()
    tree.add(60, ran=ran, comm="new")
    assert census.read()[60].comm == "new"


@pytest.mark.parametrize("ran", [None, "0 0 0"])
def test_a_kernel_without_scheduler_statistics(tree: Tree, ran: str | None) -> None:
    tree.add(OURS, ran=ran)
    tree.add(60)
    census, _ = tree.warm()
    tree.add(60, comm="new")
    assert census.read()[60].comm == "new"


def test_a_row_that_reads_the_same_is_the_same_object(tree: Tree) -> None:
    tree.add(60)
    census, rows = tree.warm()
    first = rows[60]
    tree.add(60, ran="8 8 10")
    assert census.read()[60] is first


def test_a_reused_number_is_another_process(tree: Tree) -> None:
    tree.add(60)
    census, rows = tree.warm()
    first = rows[60]
    tree.add(60, start=61, ran="1 1 1")
    assert census.read()[60].identity != first.identity


def test_who_is_gone_is_left_out(tree: Tree) -> None:
    tree.add(60)
    census, _ = tree.warm()
    tree.remove(60)
    assert 60 not in census.read()


@pytest.mark.parametrize("name", ["stat", "ns"])
def test_who_goes_while_it_is_read_is_left_out(tree: Tree, name: str) -> None:
    tree.add(60)
    path = tree.root / "60" / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert list(tree.census().read()) == [1, OURS]


@pytest.mark.parametrize("parent", ["gone", "a zombie", "another process"])
def test_an_orphan_has_its_new_parent_although_it_has_not_run(tree: Tree, parent: str) -> None:
    tree.add(60)
    tree.add(70, ppid=60)
    census, rows = tree.warm()
    assert rows[70].ppid == 60
    match parent:
        case "gone":
            tree.remove(60)
        case "a zombie":
            tree.add(60, state="Z", ran="8 8 10")
        case _:
            tree.add(60, start=71, ran="1 1 1")
    tree.add(70, ppid=1)
    assert census.read()[70].ppid == 1
    assert census.read()[70].ppid == 1


def test_an_orphan_that_goes_meanwhile_is_left_out(tmp_path: Path) -> None:
    class Vanishing(Procfs):
        stats = 0

        def read_record(self, pid: int, name: str) -> bytes | None:
            if (pid, name) == (70, "stat"):
                self.stats += 1
                if self.stats > 1:
                    return None
            return super().read_record(pid, name)

    tree = Tree(tmp_path)
    tree.add(70, ppid=60)
    assert list(ProcfsCensus(Vanishing(str(tmp_path))).read()) == [1, OURS]


def test_a_parent_that_is_hidden_changes_nothing(tree: Tree) -> None:
    tree.add(70, ppid=60)
    census, rows = tree.warm()
    first = rows[70]
    assert census.read()[70] is first


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["stat", "status", "cgroup", "schedstat"]), data=st.binary())
def test_a_torn_file_makes_no_trouble(tree: Tree, name: str, data: bytes) -> None:
    tree.add(60, namespaces={**HOST, "pid": 9})
    (tree.root / "60" / name).write_bytes(data)
    census = tree.census()
    for _ in range(2):
        rows = census.read()
        assert set(rows) - {60} == {1, OURS}
    read_task(Procfs(str(tree.root)), 60, 0)


def test_threads_of_the_kernel_are_where_the_first_is_whose_mounts_they_have(tree: Tree) -> None:
    devices = {**HOST, "mnt": 77}
    for pid, namespaces in ((60, HOST), (61, devices), (62, HOST), (63, devices)):
        tree.add(pid, flags=PF_KTHREAD, namespaces=namespaces)
    for pid in (62, 63):  # they are not looked at
        shutil.rmtree(tree.root / str(pid) / "ns")
        (tree.root / str(pid) / "ns").mkdir()
        (tree.root / str(pid) / "ns/mnt").symlink_to(f"mnt:[{HOST['mnt'] if pid == 62 else 77}]")
    rows = tree.census().read()
    assert [rows[pid].namespaces for pid in (60, 61, 62, 63)] == [
        tuple(HOST.values()), tuple(devices.values()),
        tuple(HOST.values()), tuple(devices.values()),
    ]  # fmt: skip
    assert rows[62].pid_for_children == HOST["pid"]
