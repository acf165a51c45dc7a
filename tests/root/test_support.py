"""What the other tests stand on: it makes what it says, and all of it goes with the test run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import processes, reaper
from support.processes import read_line, wait_until
from support.requirements import need_programs
from support.run import Run
from support.traces import nothing_new, traces_of

from nsview.kernel.namespaces import KINDS

TESTS = str(Path(__file__).parents[1])


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rsplit(b") ", 1)[1][:1] in b"ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def members(kind: str, ino: int) -> list[int]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if processes.inode(entry, kind) == ino:
                found.append(int(entry))
        except OSError:
            continue
    return found


def test_sandbox_is_in_new_namespaces() -> None:
    with processes.sandbox("--pid", "--net", "--uts") as pid:
        for kind in KINDS:
            own = processes.inode("self", kind)
            assert (processes.inode(pid, kind) != own) == (kind in ("pid", "net", "uts"))
    assert gone(pid)


def test_nested_and_joined_pid_namespaces() -> None:
    with processes.nested_pid_namespaces(3) as pids, processes.joined_by_setns(pids[1]) as joined:
        assert len({processes.inode(pid, "pid") for pid in pids}) == 3
        assert processes.inode(joined, "pid") == processes.inode(pids[1], "pid")
        status = Path(f"/proc/{joined}/status").read_text()
        assert len(status.split("NSpid:")[1].splitlines()[0].split()) == 3
    wait_until(lambda: all(map(gone, [*pids, joined])))


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_in_what_a_descriptor_or_a_mount_holds(kind: str) -> None:
    with processes.held_by_fd(kind) as by_fd, processes.held_by_bind_mount(kind) as by_mount:
        assert members(kind, by_fd.ino) == members(kind, by_mount.ino) == []
        assert os.readlink(f"/proc/{by_fd.pid}/fd/{by_fd.fd}") == f"{kind}:[{by_fd.ino}]"
        table = Path(f"/proc/{by_mount.pid}/mountinfo").read_text()
        assert f" {kind}:[{by_mount.ino}] {by_mount.path} " in table
        assert str(by_mount.path) not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.parametrize("kind", ["mnt", "net", "uts", "ipc", "cgroup"])
def test_a_thread_is_elsewhere(kind: str) -> None:
    with processes.thread_in_new_namespace(kind) as held:
        assert members(kind, held.ino) == []
        assert processes.inode(f"{held.pid}/task/{held.tid}", kind) == held.ino


def test_a_socket_holds_a_network_namespace() -> None:
    with processes.held_by_socket() as held:
        assert members("net", held.ino) == []
        links = [
            os.readlink(f"/proc/{held.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{held.pid}/fd")
        ]
        assert not any(link.startswith("net:") for link in links)


def test_ids_and_clocks_are_shifted() -> None:
    with (
        processes.uid_mapped(first=200_000) as mapped,
        processes.shifted_time(boottime=7) as shifted,
    ):
        assert os.stat(f"/proc/{mapped}").st_uid == 200_000
        assert Path(f"/proc/{mapped}/uid_map").read_text().split() == ["0", "200000", "65536"]
        assert "7" in Path(f"/proc/{shifted}/timens_offsets").read_text().splitlines()[1]


def test_bwrap_makes_two_user_namespaces() -> None:
    need_programs("bwrap")
    with processes.bwrap() as pid:
        users = set()
        for one in processes.descendants(os.getpid()):
            with contextlib.suppress(OSError):  # engines of other tests start what soon ends
                users.add(processes.inode(one, "user"))
        assert len(users) >= 2
        assert Path(f"/proc/{pid}/uid_map").read_text().split()[0] == "1000"


def test_frozen_and_thawed() -> None:
    with nothing_new(), processes.sandbox() as pid:
        home = Path(f"/proc/{pid}/cgroup").read_text()
        with processes.frozen(pid) as path:
            assert path in Path(f"/proc/{pid}/cgroup").read_text()
        assert Path(f"/proc/{pid}/cgroup").read_text() == home


_VICTIM = """
import contextlib, signal, sys
sys.path.insert(0, {tests!r})
from support import processes
from support.run import Run
with contextlib.ExitStack() as stack:
    pids = [stack.enter_context(one) for one in (
        processes.sandbox("--pid", "--net"),
        processes.sandbox("--user", "--map-root-user", "--mount"),
        processes.shifted_time(),
        processes.uid_mapped(),
    )]
    pids += stack.enter_context(processes.nested_pid_namespaces(2))
    pids.append(stack.enter_context(processes.joined_by_setns(pids[0])))
    pids.append(stack.enter_context(processes.held_by_fd("net")).pid)
    pids.append(stack.enter_context(processes.held_by_bind_mount("net")).pid)
    pids.append(stack.enter_context(processes.held_by_socket()).pid)
    pids.append(stack.enter_context(processes.thread_in_new_namespace("uts")).pid)
    run = Run()
    mount = run.directory / "mount"
    mount.mkdir()
    run.output("mount", "-t", "tmpfs", "none", str(mount))
    pids.append(run.start("setsid", "sleep", "infinity", log="sleep.log").pid)
    stack.enter_context(processes.frozen(pids[1]))
    print(run.name, *pids, flush=True)
    signal.pause()
"""


def test_everything_dies_with_a_killed_test_run() -> None:
    command = [sys.executable, "-c", _VICTIM.format(tests=TESTS)]
    with nothing_new():
        with subprocess.Popen(command, stdout=subprocess.PIPE) as victim:
            try:
                name, *pids = read_line(victim).split()
                assert len(pids) == 12
                assert not any(gone(int(pid)) for pid in pids)
            finally:
                victim.send_signal(signal.SIGKILL)
        wait_until(lambda: all(gone(int(pid)) for pid in pids))
        wait_until(lambda: not traces_of(name))


def test_the_next_run_cleans_up_when_the_reaper_was_killed_too() -> None:
    run = Run()
    sleeper = run.start("sleep", "infinity", log="sleep.log")
    run._reaper.kill()
    run._reaper.communicate()
    assert {sleeper.pid}.issuperset(reaper.processes(run.name))  # another run may clean up by now
    with Run():
        pass
    assert sleeper.wait(processes.PATIENCE) == -signal.SIGKILL
    wait_until(lambda: not traces_of(run.name))  # as above


def test_what_others_named_with_any_bytes_disturbs_no_run() -> None:
    hierarchy = reaper._hierarchies()[0]
    with Run() as outer:  # which takes away what bears its name
        evil = f"{outer.name}-\r\x85\udc9b"
        os.mkdir(f"{hierarchy}/{evil}")
        target = outer.directory / evil
        target.mkdir()
        outer.output("mount", "-t", "tmpfs", "none", str(target))
        with Run() as run:
            sleeper = run.start("sleep", "infinity", log="sleep.log")
            Path(hierarchy, evil, "cgroup.procs").write_text(str(sleeper.pid))
    assert sleeper.wait(processes.PATIENCE) == -signal.SIGKILL
    assert not os.path.lexists(f"{hierarchy}/{evil}")
    assert traces_of(outer.name) == []
