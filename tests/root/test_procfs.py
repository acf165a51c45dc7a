"""The readers of /proc against real processes that are in odd places, or want to be misread."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import PATIENCE, wait_until

from nsview.kernel.cgroup import parse_cgroup, preferred_path
from nsview.kernel.fd import read_fd_links
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import PF_KTHREAD, parse_stat
from nsview.kernel.status import parse_identity, parse_status
from nsview.kernel.task import CgroupPath

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and control groups")

_NET, _PID, _USER = (KINDS.index(kind) for kind in ("net", "pid", "user"))
_PID_FOR_CHILDREN = len(KINDS)

#: Says a line, and does what follows after each line that it is told; ends with its stdin.
PREAMBLE = """
import os, sys, threading
from nsview.kernel.syscalls import unshare
def step(*words):
    print(*words, flush=True)
    sys.stdin.readline() or os._exit(0)
"""


class Child:
    """A Python program that goes on a step when it is told to."""

    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PREAMBLE + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self.process.pid

    def said(self) -> list[str]:
        """The words of its next line."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, "it says nothing"
        return self.process.stdout.readline().split()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextlib.contextmanager
def child(code: str) -> Iterator[Child]:
    one = Child(code)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.communicate()


@contextlib.contextmanager
def cgroup() -> Iterator[Path]:
    """A new group at the top of the v2 hierarchy."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    top = next((line.split()[4] for line in mounts if " - cgroup2 " in line), None)
    if top is None:
        pytest.skip("no cgroup v2")
    group = Path(top) / f"nsview-test-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    try:
        yield group
    finally:
        if group.exists():
            group.rmdir()


def wait_for_sleep(pid: int) -> None:
    """Until it waits for a line; we can only poll for that. proc_pid_syscall(5)."""
    syscall = Path(f"/proc/{pid}/syscall")
    wait_until(lambda: syscall.read_text().split()[1:2] == ["0x0"])  # blocked in read(0, ...


HOSTILE = """
with open("/proc/self/comm", "wb") as file:
    file.write({comm!r})
os.setuid(4711)
step()
"""


@pytest.mark.parametrize(
    "comm", [b"a\nUid:\t0", b"\\n\nNSpid:\t1", b") R 1 1 1", b" (x) ", b"\xff\t\x1b[2J", b"\\\\"]
)
def test_a_name_is_never_more_than_a_name(comm: bytes) -> None:
    with child(HOSTILE.format(comm=comm)) as one:
        one.said()
        data = Procfs().read(one.pid, "status")
        stat = Procfs().read(one.pid, "stat")
    assert data is not None
    assert stat is not None
    status = parse_status(data)
    assert os.fsencode(parse_stat(stat).comm) == comm
    assert status.uids == (4711,) * 4
    assert parse_identity(data) == (4711, (one.pid,))
    assert parse_stat(stat).ppid == os.getpid()


def test_a_task_that_has_not_run_has_the_same_schedstat() -> None:
    """What the census builds upon: who calls unshare(2) has run, and schedstat tells."""
    procfs = Procfs()
    with child('step()\nunshare(0x40000000)\nstep("unshared")') as one:
        one.said()
        wait_for_sleep(one.pid)
        before = procfs.read_record(one.pid, "schedstat")
        links = read_namespaces(procfs, one.pid)
        for _ in range(50):  # our looking at it does not make it run
            procfs.read(one.pid, "status")
            procfs.read(one.pid, "cmdline")
            assert read_namespaces(procfs, one.pid) == links
            assert procfs.read_record(one.pid, "schedstat") == before
        one.go()
        assert one.said() == ["unshared"]
        after = procfs.read_record(one.pid, "schedstat")
        changed = read_namespaces(procfs, one.pid)
    assert before is not None
    assert after is not None
    assert links is not None
    assert changed is not None
    assert links[_NET] != changed[_NET]
    ran, _, slices = zip(map(int, before.split()), map(int, after.split()), strict=True)
    assert ran[0] < ran[1]
    assert slices[0] < slices[1]


def test_a_thread_in_a_namespace_of_its_own() -> None:
    code = """
def leave():
    unshare(0x40000000)
    step(threading.get_native_id(), os.stat("/proc/thread-self/ns/net").st_ino)
threading.Thread(target=leave).start()
"""
    procfs = Procfs()
    with child(code) as one:
        tid, net = map(int, one.said())
        assert procfs.threads(one.pid) == [one.pid, tid]
        thread, leader = read_namespaces(procfs, one.pid, tid), read_namespaces(procfs, one.pid)
    assert thread is not None
    assert leader is not None
    assert thread[_NET] == net != leader[_NET]
    assert [here for here, there in zip(thread, leader, strict=True) if here != there] == [net]


def test_a_pid_namespace_without_a_first_process() -> None:
    """pid_for_children shows nothing until the first child, and nothing else is lost."""
    code = 'unshare(0x20000000)\nstep()\nif os.fork() == 0:\n    step("child")\nos.wait()'
    procfs = Procfs()
    with child(code) as one:
        one.said()
        empty = read_namespaces(procfs, one.pid)
        one.go()
        assert one.said() == ["child"]
        with_child = read_namespaces(procfs, one.pid)
        (inner,) = map(int, Path(f"/proc/{one.pid}/task/{one.pid}/children").read_text().split())
        below = read_namespaces(procfs, inner)
        status = procfs.read_record(inner, "status")
    assert empty is not None
    assert with_child is not None
    assert below is not None
    assert status is not None
    assert empty[_PID_FOR_CHILDREN] == 0
    assert all(empty[: len(KINDS)])
    assert with_child[_PID_FOR_CHILDREN] == below[_PID] != with_child[_PID]
    assert parse_identity(status) == (0, (inner, 1))


def test_a_zombie_in_a_removed_cgroup() -> None:
    procfs = Procfs()
    with cgroup() as group, child("step()") as one:
        one.said()
        (group / "cgroup.procs").write_text(str(one.pid))
        alive = parse_cgroup(procfs.read_record(one.pid, "cgroup") or b"")
        one.process.send_signal(9)
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
        group.rmdir()
        data = procfs.read_record(one.pid, "cgroup")
        links = read_namespaces(procfs, one.pid)
        stat = procfs.read_record(one.pid, "stat")
        assert read_fd_links(procfs, one.pid) in (None, [])
    assert data is not None
    assert stat is not None
    assert b" (deleted)\n" in data
    assert CgroupPath(0, "", f"/{group.name}") in alive
    assert preferred_path(parse_cgroup(data)) == preferred_path(alive) == f"/{group.name}"
    assert parse_stat(stat).state == "Z"
    # It has given back what nsproxy holds; credentials and PID are left.
    assert links is not None
    assert links[_PID]
    assert links[_USER]
    assert links[_NET] == 0


def test_a_cgroup_deeper_than_the_kernel_can_print() -> None:
    """Older kernels refuse the read (ENAMETOOLONG), newer ones cut the path."""
    levels, name = 20, "d" * 250
    with cgroup() as group, child("step()") as one:
        one.said()
        steps = [os.open(group, os.O_PATH)]
        try:
            for _ in range(levels):
                os.mkdir(name, dir_fd=steps[-1])
                steps.append(os.open(name, os.O_PATH, dir_fd=steps[-1]))
            procs = os.open("cgroup.procs", os.O_WRONLY, dir_fd=steps[-1])
            os.write(procs, str(one.pid).encode())
            os.close(procs)
            data = Procfs().read_record(one.pid, "cgroup")
        finally:
            one.process.kill()
            one.process.wait()
            for above in reversed(steps[:-1]):
                os.rmdir(name, dir_fd=above)
            for descriptor in steps:
                os.close(descriptor)
    assert data is not None
    path = next((line.path for line in parse_cgroup(data) if line.hierarchy == 0), "")
    assert f"/{group.name}{('/' + name) * levels}".startswith(path)


def test_descriptors_of_another_process() -> None:
    code = 'fd = os.open("/proc/self/ns/uts", os.O_RDONLY)\nstep(fd, os.fstat(fd).st_ino)'
    with child(code) as one:
        fd, ino = map(int, one.said())
        links = dict(read_fd_links(Procfs(), one.pid) or ())
    assert links[fd] == f"uts:[{ino}]"
    assert links[0].startswith("pipe:[")


def test_others_are_not_ours_to_look_at() -> None:
    """Without privileges: links are 0, files of others raise."""
    code = """
from nsview.kernel.fd import read_fd_links
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs
os.setgroups([])
os.setgid(4711)
os.setuid(4711)
def refused(call):
    try:
        call()
    except PermissionError:
        return 1
    return 0
parent = os.getppid()
procfs = Procfs()
step(
    int(read_namespaces(procfs, parent) == (0,) * 10),
    refused(lambda: procfs.read(parent, "environ")),
    refused(lambda: read_fd_links(procfs, parent)),
    refused(lambda: procfs.read_link(parent, "root")),
)
"""
    with child(code) as one:
        assert one.said() == ["1"] * 4


def test_every_process_of_this_host() -> None:
    procfs = Procfs()
    flags = {}
    for pid in procfs.pids():
        data, status = procfs.read_record(pid, "stat"), procfs.read_record(pid, "status")
        if data is not None and status is not None:
            stat = parse_stat(data)
            flags[pid] = stat.flags
            assert stat.pid == pid
            uid, numbers = parse_identity(status)
            assert (parse_status(status).uids[1], pid) == (uid, numbers[0])
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", "2"], capture_output=True, text=True)
    threads = set(map(int, listed.stdout.split())) & set(flags)
    if flags.get(2, 0) & PF_KTHREAD:
        assert all(flags[pid] & PF_KTHREAD for pid in threads)
    assert not flags[os.getpid()] & PF_KTHREAD
