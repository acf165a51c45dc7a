"""Both censuses say the same of every process, on a host that does not hold still."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

import pytest
from support import processes
from support.command import nsview
from support.descriptors import open_descriptors
from support.processes import inode, nested_pid_namespaces, read_line, started, wait_until
from support.requirements import missing
from support.varied import varied_sandboxes

from nsview.errors import NotPermitted, NsviewError
from nsview.host import bpf_place, census_bpf
from nsview.host.census import ProcfsCensus
from nsview.host.census_bpf import BpfCensus
from nsview.host.census_choice import Wanted
from nsview.host.doctor import examine
from nsview.host.holders import Sighting, find_in_descriptors, find_in_threads
from nsview.host.host import Host
from nsview.host.namespaces import read_namespaces as read_namespaces_of
from nsview.kernel.bpf import BpfError, create_array
from nsview.kernel.bpf import Iterator as BpfIterator
from nsview.kernel.btf import Layout
from nsview.kernel.layout import read_layout
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.kernel.task_iterator import FUNCTION, MEMORY_BYTES, MEMORY_ENTRIES, NAMES, assemble
from nsview.kernel.task_record import RECORD_BYTES

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="loads a program into the kernel")

#: What may differ once without being wrong: the process changed in between. Not ever again.
_LOOKS = 60
_DEEPEST = 30


@pytest.fixture
def census() -> Iterator[BpfCensus]:
    try:
        one = BpfCensus(Procfs())
    except NsviewError as error:
        missing(f"no BPF census here: {error}")
    with contextlib.closing(one):
        yield one


def differences(bpf: BpfCensus, looks: int = _LOOKS) -> dict[int, tuple[Task, Task]]:
    """Processes of which the two never said the same in so many looks."""
    procfs = Procfs()
    suspects: set[tuple[int, int]] | None = None
    left: dict[int, tuple[Task, Task]] = {}
    for _ in range(looks):
        before = bpf.read()
        files = ProcfsCensus(procfs).read()
        after = bpf.read()
        left = {}
        for pid in before.keys() | files.keys() | after.keys():
            rows = [rows.get(pid) for rows in (before, files, after)]
            here = {row.identity for row in rows if row is not None}
            if None in rows or len(here) > 1:
                continue  # it came, went, or was another one
            first, file, last = rows
            assert first is not None
            assert file is not None
            assert last is not None
            if file not in (first, last) and (suspects is None or file.identity in suspects):
                left[pid] = first, file
        assert_same_processes(before, files, after)
        suspects = {file.identity for _, file in left.values()}
        if not suspects:
            return {}
        time.sleep(0.01)  # they are busy: their states will be others then
    return left


def assert_same_processes(*looks: dict[int, Task]) -> None:
    """Who is in the first and the last look is in the one between."""
    first, between, last = ({row.identity for row in rows.values()} for rows in looks)
    assert (first & last) - between == set()


CHURN = """
import random
def churn():
    while True:
        for _ in range(8):
            if not os.fork():
                if random.random() < 0.3: libc.unshare(random.choice((NEWUTS, NEWIPC, NEWTIME)))
                if random.random() < 0.3: os.setuid(random.randrange(1, 60000))
                if random.random() < 0.5: os.fork()
                os._exit(0)
        time.sleep(0.01)
        try:
            for _ in range(6): os.waitpid(-1, os.WNOHANG)  # not all: some stay zombies a while
        except ChildProcessError: pass
import time
NEWUTS, NEWIPC, NEWPID, NEWTIME, NEWUSER = 0x04000000, 0x08000000, 0x20000000, 0x80, 0x10000000
print(1, flush=True)
churn()
"""

#: A zombie, one whose child namespaces only are others, one with a hostile name, threads.
STILL = """
import threading
NEWUTS, NEWPID, NEWTIME, NEWUSER = 0x04000000, 0x20000000, 0x80, 0x10000000
zombie = os.fork()
if not zombie: os._exit(0)
def fork(what):
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        what()
        os.write(tell, b"x")
        sys.stdin.read()
        os._exit(0)
    os.read(told, 1)
    return pid
def child_pid_ns():
    check(libc.unshare(NEWPID))  # nobody is in it yet: not shown
def used_child_pid_ns():
    check(libc.unshare(NEWPID))
    if not os.fork(): sys.stdin.read(); os._exit(0)
def child_time_ns(): check(libc.unshare(NEWTIME))
def user_ns(): check(libc.unshare(NEWUSER))
def name(): check(libc.prctl(15, b") Z \\xff\\n(", 0, 0, 0)); os.setresuid(11, 12, 13)
def no_name(): check(libc.prctl(15, b"", 0, 0, 0))
def threads():
    def leave(): check(libc.unshare(NEWUTS)); sys.stdin.read()
    for target in (sys.stdin.read, sys.stdin.read, leave):
        threading.Thread(target=target, daemon=True).start()
print(zombie, *map(fork, (child_pid_ns, used_child_pid_ns, child_time_ns, user_ns, name, no_name,
                          threads)), flush=True)
sys.stdin.read()
"""
PREAMBLE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def check(result):
    if result: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
"""


@contextlib.contextmanager
def program(code: str) -> Iterator[list[int]]:
    with started("python3", "-c", PREAMBLE + code) as process:
        yield [int(word) for word in read_line(process).split()]


def test_both_say_the_same_of_still_processes(census: BpfCensus) -> None:
    with program(STILL) as pids, varied_sandboxes() as varied:
        assert differences(census) == {}
        rows = census.read()
        assert set(pids) | set(varied.pids) <= rows.keys()
    zombie, unused, used, in_time, in_user, named, unnamed, _ = (rows[pid] for pid in pids)
    assert (zombie.state, sum(map(bool, zombie.namespaces))) == ("Z", 2)  # its pid and user
    assert unused.pid_for_children == 0
    assert used.pid_for_children not in (0, used.namespaces[2])
    assert in_time.time_for_children not in (0, in_time.namespaces[7])
    assert in_user.namespaces[5] != unused.namespaces[5]
    assert (named.uid, os.fsencode(named.comm)) == (12, b") Z \xff\n(")
    assert unnamed.comm == ""


def test_both_say_the_same_under_churn(census: BpfCensus) -> None:
    with program(CHURN), program(STILL), nested_pid_namespaces(3):
        for _ in range(10):
            assert differences(census) == {}


def test_numbers_at_every_level(census: BpfCensus) -> None:
    with nested_pid_namespaces(_DEEPEST) as pids:
        rows = census.read()
        assert differences(census) == {}
    assert [len(rows[pid].pids) for pid in pids] == list(range(2, _DEEPEST + 2))
    assert all(rows[pid].pids[0] == pid for pid in pids)
    assert rows[pids[-1]].pids[-1] == 1


def test_both_say_the_same_of_whoever_changes_without_a_fork(census: BpfCensus) -> None:
    code = """
check(libc.unshare(0x04000000))
print(1, flush=True)
sys.stdin.readline()
check(libc.unshare(0x08000000)); check(libc.unshare(0x20000000)); os.setuid(99)
print(2, flush=True)
sys.stdin.read()
"""
    with started("python3", "-c", PREAMBLE + code) as process:
        read_line(process)
        before = census.read()[process.pid]
        processes.write_line(process, "")
        read_line(process)
        after = census.read()[process.pid]
        assert differences(census) == {}
    changed = {
        field
        for field, old, new in zip(Task._fields, before, after, strict=True)
        if old != new and field != "state"
    }
    assert changed == {"namespaces", "pid_for_children", "uid"}


def test_whoever_moves_to_another_cgroup_is_seen_there(census: BpfCensus) -> None:
    with started(*processes.SLEEP) as process, processes.frozen(process.pid) as cgroup:
        assert cgroup
        assert differences(census) == {}
        row = census.read()[process.pid]
        assert any(
            os.path.basename(line.path) in cgroup for line in row.cgroups if line.path != "/"
        )


def test_one_in_a_new_cgroup_takes_no_second_look_at_all_tasks(
    census: BpfCensus, monkeypatch: pytest.MonkeyPatch
) -> None:
    census.read()
    looks = []
    read = BpfIterator.read
    monkeypatch.setattr(BpfIterator, "read", lambda one: looks.append(one) or read(one))
    with started(*processes.SLEEP) as process, processes.frozen(process.pid) as cgroup:
        rows = [census.read()[process.pid] for _ in range(2)]
        assert len(looks) == 2
        assert rows[0] is rows[1]
        assert any(os.path.basename(line.path) in cgroup for line in rows[0].cgroups)


@pytest.mark.usefixtures("census")
def test_what_it_remembers_of_control_groups_is_what_it_would_find_out() -> None:
    layout = read_layout(NAMES, (FUNCTION,))
    function = layout.functions[FUNCTION]
    memory = create_array(MEMORY_ENTRIES, MEMORY_BYTES)
    programs = [
        BpfIterator(assemble(layout.offsets), function),
        BpfIterator(assemble(layout.offsets, memory), function),
    ]
    os.close(memory)

    def records(program: BpfIterator) -> set[bytes]:
        data = program.read()
        return {data[at : at + RECORD_BYTES] for at in range(0, len(data), RECORD_BYTES)}

    with started(*processes.SLEEP) as process:
        for _ in range(8):
            with processes.frozen(process.pid):  # in a control group of its own, each time another
                before, between, after = (records(programs[which]) for which in (0, 1, 0))
                assert (before & after) - between == set()
                assert len(before & after) > len(before) / 2


@pytest.mark.parametrize("kind", ["net", "uts", "mnt"])
def test_threads_that_left_are_found_in_the_same_read(census: BpfCensus, kind: str) -> None:
    with processes.thread_in_new_namespace(kind) as held:
        tasks = census.read()
        assert held.tid is not None
        assert census.threads[held.pid, held.tid] == read_namespaces(Procfs(), held.pid, held.tid)
        by_files = set(find_in_threads(Procfs(), tasks.values()))
        at_once: set[Sighting] = set(find_in_threads(Procfs(), tasks.values(), census.threads))
    assert at_once == by_files
    assert (kind, held.ino) in {(one.kind, one.ino) for one in at_once}
    wait_until(lambda: census.read() and (held.pid, held.tid) not in census.threads)


def test_descriptors_of_namespaces_are_found_in_one_read(census: BpfCensus) -> None:
    with processes.held_by_fd("net") as net, processes.held_by_fd("user") as user:
        found = census.namespace_descriptors()
        tasks = ProcfsCensus(Procfs()).read()
        by_files = set(find_in_descriptors(Procfs(), tasks.values()))
        at_once = set(find_in_descriptors(Procfs(), tasks.values(), found))
    assert found is not None
    assert {(net.pid, net.fd), (user.pid, user.fd)} <= set(found)
    assert by_files == at_once


def namespaces_seen(host: Host) -> set[tuple[object, ...]]:
    found = read_namespaces_of(host.procfs, host.snapshot(), source=host.source)
    return {
        (one.kind, one.ino, one.processes, one.threads, one.pid, one.command, one.held_by)
        for one in found
        if not one.initial
    }


@pytest.mark.usefixtures("census")
@pytest.mark.parametrize("names", [("bpf", "procfs"), ("procfs", "bpf")])
def test_both_find_the_same_namespaces(names: tuple[Wanted, Wanted]) -> None:
    outer, inner = (Host(census=name) for name in names)
    with varied_sandboxes():
        before, between, after = map(namespaces_seen, (outer, inner, outer))
    assert (before & after) - between == set()
    assert len(before & after) > 40


def test_a_quiet_process_keeps_its_row(census: BpfCensus) -> None:
    with started(*processes.SLEEP) as process:
        wait_until(lambda: census.read()[process.pid].comm == "sleep")
        wait_until(lambda: census.read()[process.pid].state == "S")
        first = census.read()[process.pid]
        assert all(census.read()[process.pid] is first for _ in range(20))


def test_the_order_is_that_of_the_pids(census: BpfCensus) -> None:
    rows = census.read()
    assert list(rows) == sorted(rows)
    assert all(pid == row.pid for pid, row in rows.items())


def test_no_descriptor_stays_open() -> None:
    with contextlib.suppress(NsviewError):
        BpfCensus(Procfs()).close()
    before = open_descriptors()
    for _ in range(20):
        with contextlib.suppress(NsviewError), contextlib.closing(BpfCensus(Procfs())) as one:
            one.read()
            one.namespace_descriptors()
    assert open_descriptors() == before


@pytest.mark.usefixtures("census")
@pytest.mark.parametrize("words", [("ps",), ("ls", "--isolated"), ("ns",)])
def test_commands_say_the_same_with_either(words: tuple[str, ...]) -> None:
    with nested_pid_namespaces(2) as pids:
        answers = [nsview(*words, "--json", "--census", how).json for how in ("bpf", "procfs")]
    key = {"ps": "processes", "ls": "containers", "ns": "namespaces"}[words[0]]
    ours = [[one for one in answer[key] if one["pid"] in pids] for answer in answers]
    assert ours[0] == ours[1] != []


@pytest.mark.usefixtures("census")
def test_doctor_says_that_it_loads() -> None:
    (finding,) = (one for one in examine(Procfs()) if one.name == "BPF census")
    assert finding.ok


def test_doctor_says_why_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Layout:
        raise FileNotFoundError(2, "No such file or directory", "/sys/kernel/btf/vmlinux")

    monkeypatch.setattr(census_bpf, "read_layout", fail)
    (finding,) = (one for one in examine(Procfs()) if one.name == "BPF census")
    assert not finding.ok
    assert "/sys/kernel/btf/vmlinux" in finding.found


@pytest.mark.usefixtures("census")
@pytest.mark.parametrize(
    ("field", "instead"),
    [
        ("task_struct.tgid", "task_struct.exit_state"),
        ("task_struct.pid", "task_struct.flags"),
        ("nsproxy.uts_ns", "nsproxy.ipc_ns"),
        ("nsproxy.mnt_ns", "nsproxy.net_ns"),
        ("cred.euid", "cred.user_ns"),
        ("pid.numbers", "pid.level"),
        ("css_set.cgrp_links", "task_struct.flags"),
        ("ns_common.inum", "task_struct.exit_state"),
        ("task_struct.start_boottime", "task_struct.nvcsw"),
        ("task_struct.real_parent", "task_struct.group_leader"),
        ("task_struct.comm", "task_struct.pid"),
    ],
)
def test_offsets_of_another_kernel_are_found_out(
    monkeypatch: pytest.MonkeyPatch, field: str, instead: str
) -> None:
    """By the kernel's verifier, or by what it says of ourselves."""

    def wrong(names: tuple[str, ...], functions: tuple[str, ...]) -> Layout:
        layout = read_layout(names, functions)
        return layout._replace(offsets={**layout.offsets, field: layout.offsets[instead]})

    monkeypatch.setattr(census_bpf, "read_layout", wrong)
    monkeypatch.setattr(census_bpf, "forget_layout", lambda: None)
    with pytest.raises(BpfError) as caught:
        BpfCensus(Procfs())
    assert caught.value.hint or "BPF census" in caught.value.message


@pytest.mark.usefixtures("census")
def test_what_the_verifier_says_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(names: tuple[str, ...], functions: tuple[str, ...]) -> Layout:
        layout = read_layout(names, functions)
        return layout._replace(offsets={**layout.offsets, "task_struct.pid": 1 << 14})

    monkeypatch.setattr(census_bpf, "read_layout", wrong)
    monkeypatch.setattr(census_bpf, "forget_layout", lambda: None)
    with pytest.raises(BpfError) as caught:
        BpfCensus(Procfs())
    assert "16384" in (caught.value.hint or "")


def test_it_is_not_taken_inside_a_pid_namespace() -> None:
    code = (
        "from nsview.host.census_choice import choose_census\n"
        "from nsview.errors import NsviewError\n"
        "from nsview.kernel.procfs import Procfs\n"
        "try: choose_census(Procfs(), 'bpf')\n"
        "except NsviewError as error: print(error.message)\n"
    )
    import subprocess
    import sys

    done = subprocess.run(
        ["unshare", "--pid", "--kill-child", "--mount-proc", sys.executable, "-c", code],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "nsview runs inside a pid namespace\n"


def test_it_takes_capabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpf_place, "effective_capabilities", lambda procfs: 1 << 19)
    with pytest.raises(NotPermitted, match="CAP_BPF"):
        BpfCensus(Procfs())


def test_the_clock_is_that_of_our_time_namespace() -> None:
    """/proc/PID/stat counts from the reader's own boot."""
    code = (
        "from nsview.host.census_bpf import BpfCensus\n"
        "from nsview.host.census import ProcfsCensus\n"
        "from nsview.kernel.procfs import Procfs\n"
        "here, there = BpfCensus(Procfs()).read(), ProcfsCensus(Procfs()).read()\n"
        "both = here.keys() & there.keys()\n"
        "print(len(both) > 2, [p for p in both if here[p].start_time != there[p].start_time])\n"
    )
    import subprocess
    import sys

    own = inode("self", "time")
    done = subprocess.run(
        ["unshare", "--time", "--boottime", "100000", "--fork", sys.executable, "-c", code],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert inode("self", "time") == own
    assert done.stdout == "True []\n"
