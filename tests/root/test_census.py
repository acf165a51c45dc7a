"""The census against real processes that change, end, and try to be misread."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from support.processes import PATIENCE, read_line, sandbox, started, wait_until, write_line

from nsview.errors import NsviewError
from nsview.host.census import ProcfsCensus
from nsview.host.census_choice import Wanted, choose_census
from nsview.host.host import Host
from nsview.host.model import Snapshot
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and changes uids")

NOBODY = 65534
READS_UNTIL_ANYWAY = 16
_PID, _UTS = (KINDS.index(kind) for kind in ("pid", "uts"))

#: `stay` says a line, and returns when told to; the process ends with its stdin.
PREAMBLE = """
import ctypes, os, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
NEWUTS, NEWPID, NEWTIME = 0x04000000, 0x20000000, 0x80
PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 4, 15, 36
def check(result):
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def prctl(option, argument):
    check(libc.prctl(option, argument, 0, 0, 0))
def stay(*words):
    print(*words, flush=True)
    sys.stdin.readline() or os._exit(0)
"""


class Program:
    """A Python program that goes on a step when it is told to."""

    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", PREAMBLE + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.pid = self.process.pid

    def said(self) -> list[int]:
        """The numbers in its next line."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, "it says nothing"
        line = self.process.stdout.readline()
        assert line, "it ended"
        return [int(word) for word in line.split()]

    def go(self) -> None:
        """Let it take its next step."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")


@contextlib.contextmanager
def program(code: str) -> Iterator[Program]:
    """All that it starts inherits its stdin, and ends with that at the latest."""
    one = Program(code)
    try:
        yield one
    finally:
        assert one.process.stdin is not None
        assert one.process.stdout is not None
        one.process.stdin.close()
        try:
            one.process.wait(PATIENCE)
        finally:
            one.process.kill()
            one.process.wait()
            one.process.stdout.close()


class Counting(Procfs):
    """Counts how often each process's stat is read: that is what reading it anew begins with."""

    def __init__(self) -> None:
        super().__init__()
        self.stats: list[int] = []

    def read_record(self, pid: int, name: str) -> bytes | None:
        if name == "stat":
            self.stats.append(pid)
        return super().read_record(pid, name)


def settled(census: ProcfsCensus, *pids: int) -> dict[int, Task]:
    """Read until all of `pids` have not run between two reads: they wait for us."""
    deadline = time.monotonic() + PATIENCE
    procfs = Procfs()
    census.read()  # the first one remembers nothing to compare with
    before = [procfs.read_record(pid, "schedstat") for pid in pids]
    while True:
        rows = census.read()
        after = [procfs.read_record(pid, "schedstat") for pid in pids]
        if before == after and all(rows[pid].state == "S" for pid in pids):
            return rows
        assert time.monotonic() < deadline, "they do not come to rest"
        before = after


def row_of(pid: int) -> Task:
    return ProcfsCensus(Procfs()).read()[pid]


@pytest.mark.parametrize("comm", [b"a\nUid:\t0", b") R [/red]", b"\x1b[31m\x9b2J", b" x\t"])
def test_a_name_cannot_make_a_row_lie(comm: bytes) -> None:
    code = f"prctl(PR_SET_NAME, {comm!r}); os.setuid({NOBODY}); stay()"
    with program(code) as one:
        one.said()
        row = row_of(one.pid)
    assert os.fsencode(row.comm) == comm
    assert (row.pid, row.ppid, row.pids, row.uid) == (one.pid, os.getpid(), (one.pid,), NOBODY)
    assert row.state in "RS"


@pytest.mark.parametrize("dumpable", [0, 1])
def test_the_effective_uid_of_who_may_not_be_dumped(dumpable: int) -> None:
    """What is below /proc/PID is root's then; the directory stays its own."""
    code = f"os.setresuid(1, {NOBODY}, 2); prctl(PR_SET_DUMPABLE, {dumpable}); stay()"
    with program(code) as one:
        one.said()
        owner_below = os.stat(f"/proc/{one.pid}/stat").st_uid
        row = row_of(one.pid)
    assert owner_below == (NOBODY if dumpable else 0)
    assert row.uid == NOBODY


def test_who_unshares_between_two_reads_is_seen_in_the_second() -> None:
    procfs = Counting()
    census = ProcfsCensus(procfs)
    with program("stay(); check(libc.unshare(NEWUTS)); stay()") as one:
        one.said()
        before = settled(census, one.pid)[one.pid]
        one.go()
        one.said()
        after = census.read()[one.pid]
        own = read_namespaces(procfs, one.pid)
    assert own is not None
    assert before.namespaces[_UTS] != after.namespaces[_UTS] == own[_UTS]
    assert before._replace(namespaces=(), state="") == after._replace(namespaces=(), state="")


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("check(libc.unshare(NEWPID))", "pid_for_children"),
        ("check(libc.unshare(NEWTIME))", "time_for_children"),
        ("os.setuid(65534)", "uid"),
        ("prctl(PR_SET_NAME, b'other')", "comm"),
        ("threading.Thread(target=stay, daemon=True).start()", "threads"),
        (
            "os.execv(sys.executable, [sys.executable, '-c',"
            " 'import sys; print(flush=True); sys.stdin.read()'])",
            None,
        ),
    ],
)
def test_what_a_process_does_to_itself_is_seen_at_once(code: str, change: str | None) -> None:
    census = ProcfsCensus(Procfs())
    with program(f"prctl(PR_SET_NAME, b'before'); stay(); {code}; stay()") as one:
        one.said()
        before = settled(census, one.pid)[one.pid]
        one.go()
        one.said()
        after = census.read()[one.pid]
    assert before.identity == after.identity
    assert getattr(before, change or "comm") != getattr(after, change or "comm")


def test_who_has_not_run_is_read_only_when_it_is_due() -> None:
    procfs = Counting()
    census = ProcfsCensus(procfs)
    with program("stay()") as one:
        one.said()
        first = settled(census, one.pid)[one.pid]
        census.read()
        procfs.stats.clear()
        rows = [census.read()[one.pid] for _ in range(2 * READS_UNTIL_ANYWAY)]
    assert procfs.stats.count(one.pid) == 2
    assert all(row is first for row in rows)


def test_looking_does_not_make_anybody_run() -> None:
    """Otherwise nothing would ever be remembered."""
    procfs = Procfs()
    with program("stay()") as one:
        one.said()
        settled(ProcfsCensus(procfs), one.pid)
        before = procfs.read_record(one.pid, "schedstat")
        for _ in range(20):
            row_of(one.pid)
        assert procfs.read_record(one.pid, "schedstat") == before


#: A subreaper, its child, and a grandchild, which says their numbers and then never runs.
FAMILY = """
prctl(PR_SET_CHILD_SUBREAPER, 1)
told, tell = os.pipe()
middle = os.fork()
if not middle:
    os.close(tell)
    if not os.fork():
        print(os.getppid(), os.getpid(), flush=True)
    os.read(told, 1)
    os._exit(0)
sys.stdin.readline()
os.kill(middle, 9)
"""


@pytest.mark.parametrize("options", ["os.WEXITED", "os.WEXITED | os.WNOWAIT"])
def test_an_orphan_shows_its_new_parent_without_having_run(options: str) -> None:
    """Its old one may be reaped, or left as a zombie."""
    procfs = Procfs()
    census = ProcfsCensus(procfs)
    with program(f"{FAMILY}os.waitid(os.P_PID, middle, {options}); stay()") as one:
        middle, orphan = one.said()
        before = settled(census, middle, orphan)
        ran = procfs.read_record(orphan, "schedstat")
        one.go()
        one.said()
        after = census.read()
        assert procfs.read_record(orphan, "schedstat") == ran
    assert (before[orphan].ppid, after[orphan].ppid) == (middle, one.pid)
    assert before[orphan].identity == after[orphan].identity
    if "WNOWAIT" in options:
        assert after[middle].state == "Z"
    else:
        assert middle not in after


def test_who_ends_between_two_reads_is_gone() -> None:
    census = ProcfsCensus(Procfs())
    with program("stay()") as one:
        one.said()
        assert one.pid in settled(census, one.pid)
    assert one.pid not in census.read()


def inside(code: str, *options: str) -> list[str]:
    """Run code as the first process of a new pid namespace; what it printed."""
    done = subprocess.run(
        ["unshare", "--pid", "--kill-child", *options, sys.executable, "-c", INSIDE + code],
        check=True,
        timeout=60,
        stdout=subprocess.PIPE,
    )
    return done.stdout.decode().split()


INSIDE = """
import os, sys, time
from nsview.host.census import ProcfsCensus
from nsview.kernel.procfs import Procfs
def fork(number=None):
    if number:  # the next process gets the number after this
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(number - 1))
    return os.fork()
"""


def test_a_reused_number_is_another_process() -> None:
    code = """
census = ProcfsCensus(Procfs())
def start():
    pid = fork(4711)
    if not pid:
        time.sleep(60)
        os._exit(1)
    return pid
pid = start()
for _ in range(3):
    first = census.read()[pid]
os.kill(pid, 9)
os.wait()
time.sleep(2 / os.sysconf("SC_CLK_TCK"))  # start times are counted in such ticks
print(int(start() == pid))
second = census.read()[pid]
print(int(second.start_time > first.start_time), int(second.identity == first.identity))
"""
    assert inside(code, "--mount-proc") == ["1", "1", "0"]


def test_through_the_proc_of_an_outer_pid_namespace() -> None:
    """We have another number there; who has ours may be in any namespace, here in our own."""
    code = """
outer = int(os.readlink("/proc/self"))
if fork(outer):
    os.wait()
    sys.exit()
print(os.getpid() - outer)
rows = ProcfsCensus(Procfs()).read()
print(rows[outer].pids == (outer, 1))
print(rows[int(os.readlink("/proc/self"))].pids[1:] == (outer,))
print(all(pid == row.pids[0] for pid, row in rows.items()))
"""
    assert inside(code) == ["0", "True", "True", "True"]


def test_the_pids_of_who_is_in_an_inner_namespace() -> None:
    code = """
check(libc.unshare(NEWPID))
if not os.fork():
    stay(os.getpid())
    os._exit(0)
os.wait()
"""
    with program(code) as one:
        assert one.said() == [1]
        rows = ProcfsCensus(Procfs()).read()
        (child,) = (row for row in rows.values() if row.ppid == one.pid)
    assert child.pids == (child.pid, 1)
    assert rows[one.pid].pids == (one.pid,)
    assert (
        rows[one.pid].pid_for_children == child.namespaces[_PID] != rows[one.pid].namespaces[_PID]
    )


#: Forks until it is told to end, but for a while; at most 16 children at a time, most of them
#: zombies. Then says who had been reaped, and when at the latest.
CHURN = """
import select, time
reaped, alive = [], []
def reap():
    for pid in alive:
        os.waitpid(pid, 0)
        reaped.append((pid, time.monotonic_ns()))
    alive.clear()
while len(reaped) < 60 or not select.select([sys.stdin], [], [], 0)[0]:
    pid = os.fork()
    if not pid:
        os._exit(0)
    alive.append(pid)
    if len(alive) == 16:
        reap()
reap()
print(*(number for pair in reaped for number in pair), flush=True)
"""
CHURN_SECONDS = 3.0


def test_under_churn() -> None:
    """Hundreds of processes come and go every second: nobody is listed who was gone before."""
    census = ProcfsCensus(Procfs())
    reads: list[tuple[int, set[int]]] = []
    with program(CHURN) as one:
        deadline = time.monotonic() + CHURN_SECONDS
        while time.monotonic() < deadline or not any(children for _, children in reads):
            began = time.monotonic_ns()
            rows = census.read()
            assert all(pid == row.pid for pid, row in rows.items())
            assert list(rows) == sorted(rows)
            assert {os.getpid(), one.pid} <= set(rows)
            reads.append((began, {pid for pid, row in rows.items() if row.ppid == one.pid}))
        one.go()
        numbers = one.said()
    reaped = dict(zip(numbers[::2], numbers[1::2], strict=True))
    assert any(children & set(reaped) for _, children in reads)
    for began, children in reads:
        assert [pid for pid in children if reaped.get(pid, began) < began] == []


class _Fixed:
    """A census of a host on which nothing happens until the test says so."""

    name = "fixed"
    threads = None
    ran = ()

    def __init__(self, tasks: dict[int, Task]) -> None:
        self.tasks = tasks

    def read(self) -> dict[int, Task]:
        return dict(self.tasks)

    def namespace_descriptors(self) -> None:
        pass


def test_a_quiet_host_is_put_together_once() -> None:
    source = _Fixed({os.getpid(): ProcfsCensus(Procfs()).read()[os.getpid()]})
    host = Host(source=source)
    # Somebody else's sandboxes may change meanwhile, and with them what lies on disk.
    first = wait_until(lambda: _same_twice(host))
    with sandbox("--uts") as pid:
        source.tasks[pid] = ProcfsCensus(Procfs()).read()[pid]
        second = host.snapshot()
        assert pid in second.tasks
        assert pid in second.membership
        assert pid not in first.membership
    del source.tasks[pid]
    assert pid not in host.snapshot().membership


def _same_twice(host: Host) -> Snapshot | None:
    one, other = host.snapshot(), host.snapshot()
    return one if one.containers is other.containers else None


@pytest.mark.parametrize("name", ["procfs", "bpf"])
def test_who_ran_is_told_and_who_slept_is_not(name: Wanted) -> None:
    try:
        source = choose_census(Procfs(), name)
    except NsviewError as error:
        pytest.skip(error.message)
    with started("cat") as sleeper, started("cat") as runner:

        def look() -> set[int]:
            source.read()
            return set(source.ran) & {sleeper.pid, runner.pid}

        wait_until(lambda: not look())
        write_line(runner, "once")
        read_line(runner)
        wait_until(lambda: runner.pid in look())
        wait_until(lambda: not look())
