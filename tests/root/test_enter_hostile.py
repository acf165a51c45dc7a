"""What a container may do against those who enter, and what must not be left by them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, command, nsview
from support.processes import read_line, running, sandbox, started, wait_until
from support.requirements import need_programs

from nsview.enter.enter import Choice, enter
from nsview.errors import NoSuchObject, NsviewError
from nsview.host.host import Host
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="joins namespaces")

_BOX = ("--mount-proc", "--pid", "--net", "--uts", "--ipc", "--cgroup")


@pytest.fixture
def box() -> Iterator[int]:
    with sandbox(*_BOX) as pid:
        yield pid


def test_a_pid_that_was_reused(box: int) -> None:
    """Case 1: the identity is the start time, too."""
    task = Host().snapshot().tasks[box]._replace(start_time=1)
    with pytest.raises(NoSuchObject):
        enter(Procfs(), task, Choice(command=("true",)), lambda *_: None)


def test_a_target_that_has_ended() -> None:
    """Case 2."""
    with sandbox(*_BOX) as pid:
        task = Host().snapshot().tasks[pid]
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(NoSuchObject):
        enter(Procfs(), task, Choice(command=("true",)), lambda *_: None)
    assert set(os.listdir("/proc/self/fd")) == before


def test_with_threads_of_our_own(box: int) -> None:
    """Case 4: who enters is a process of its own, so ours may have threads."""
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(5)]
    for one in threads:
        one.start()
    try:
        task = Host().snapshot().tasks[box]
        outcome = enter(Procfs(), task, Choice(command=("sh", "-c", "exit 4")), lambda *_: None)
    finally:
        done.set()
    assert outcome.status == 4


_SPY = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
own, stolen = os.getpid(), []
print("ready", flush=True)
os.set_blocking(0, False)
while True:
    try:
        if os.read(0, 1) == b"":
            break
    except BlockingIOError:
        pass
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in (1, own):
            continue
        for what in ("exe", "cwd", "root", *(f"fd/{n}" for n in range(3, 40))):
            try:
                fd = os.open(f"/proc/{name}/{what}", os.O_PATH)
            except OSError:
                continue
            path = os.readlink(f"/proc/self/fd/{fd}")
            if "python" in path or "memfd" in path or what.startswith("fd/"):
                stolen.append((what, path))
            os.close(fd)
        if libc.ptrace(0x4206, int(name), None, None) == 0:
            comm = open(f"/proc/{name}/comm").read().strip()
            if comm not in ("true", "sh"):
                stolen.append(("ptrace", comm))
            libc.ptrace(17, int(name), None, None)
print(sorted(set(stolen)), flush=True)
"""


def test_a_spy_inside_gets_nothing(box: int) -> None:
    """Case 9: nobody inside can open or trace who enters, before it is the command."""
    python = Path(os.path.realpath(sys.executable)).read_bytes()
    # docker's fourteen capabilities, which have no sys_ptrace.
    drop = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+sys_chroot"
    words = ("nsenter", "-t", str(box), "-a", "--",
             "setpriv", "--bounding-set", drop, "--inh-caps", "-all", "--",
             sys.executable, "-I", "-S", "-u", "-c", _SPY)  # fmt: skip
    need_programs("nsenter", "setpriv")
    with started(*words) as spy:
        assert read_line(spy) == "ready"
        for _ in range(15):
            assert nsview("enter", str(box), "--", "true").status in (0, 137)
        assert spy.stdin is not None
        spy.stdin.close()
        assert read_line(spy) == "[]"
        spy.stdin = None
    assert Path(os.path.realpath(sys.executable)).read_bytes() == python


_PASSWD_TRAPS = [
    "truncate -s 1G etc/passwd",
    "mkfifo etc/passwd",
    "ln -s /etc/shadow etc/passwd",
    "ln -s ../../../../../etc/shadow etc/passwd",
    "mkdir etc/passwd",
    "ln -s passwd etc/passwd",
    "ln -s /proc/self/fd/0 etc/passwd",
    "yes a:x:4294967295:-1::/:/bin/sh | head -c 900000 >etc/passwd",
]


@pytest.mark.parametrize("trap", _PASSWD_TRAPS)
def test_a_forged_passwd(tmp_path: Path, trap: str) -> None:
    """Case 24: bounded, and never a file of the host."""
    tmp_path.chmod(0o755)
    script = (
        f"cd {tmp_path} && mkdir etc bin && cp /bin/busybox bin/sh && {trap} && echo ready && "
        "exec chroot . /bin/sh -c 'read forever'"
    )
    with started("unshare", "--mount", "--", "bash", "-c", script) as process:
        assert read_line(process) == "ready"
        pid = wait_until(lambda: running(process.pid))
        wait_until(lambda: os.readlink(f"/proc/{pid}/root") == str(tmp_path))
        number = nsview("enter", str(pid), "--user", "5", "--", "/bin/sh", "-c", "echo $HOME")
        name = nsview("enter", str(pid), "--user", "daemon", "--", "/bin/sh", "-c", ":")
        shell = nsview("enter", str(pid), "--user", "root")
    assert number.out == b"/\n", number.err
    assert name.status == 125
    assert "no user 'daemon'" in name.err
    assert shell.status == 0


def test_planted_modules_are_not_loaded(tmp_path: Path) -> None:
    """Case 26: only the command itself is opened inside."""
    need_programs("strace")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").write_bytes(Path("/bin/busybox").read_bytes())
    (tmp_path / "bin/sh").chmod(0o755)
    (tmp_path / "proc").mkdir()
    log = tmp_path.parent / "strace.log"
    launcher = ("strace", "-f", "-o", str(log), "-e",
                "trace=open,openat,openat2,execve,execveat,setns,chroot")  # fmt: skip
    inside = ("chroot", str(tmp_path), "/bin/sh", "-c", "read x")
    with sandbox("--mount", "--pid", command=inside) as pid:
        wait_until(lambda: os.readlink(f"/proc/{pid}/root") == str(tmp_path))
        done = nsview("enter", str(pid), "--", "/bin/sh", "-c", ":", launcher=launcher)
    assert done.status == 0, done.err
    lines = log.read_text(errors="replace").splitlines()
    joined = next(at for at, line in enumerate(lines) if "setns(" in line)
    joiner = lines[joined].split()[0]
    chroot = next(at for at, line in enumerate(lines) if "chroot(" in line and at > joined)
    child = lines[chroot].split()[0]
    opened = []
    for line in lines[joined:]:
        if line.split()[0] == child and "execve" in line:
            break
        if line.split()[0] in (joiner, child) and "open" in line and "ns/" not in line:
            opened.append(line)
    assert [line for line in opened if '"/"' not in line] == []


def test_closed_standard_streams(box: int) -> None:
    """Case 33: what is opened first must not become a stream of the command."""
    words = " ".join(command("enter", str(box), "--", "sh", "-c", "'ls /proc/$$/fd >&2; exit 3'"))
    for closed in ("<&-", "<&- >&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", f"{words} {closed}"], env=ENVIRONMENT, check=False)
        assert done.returncode == 3


def test_ignored_signals_are_not_inherited(box: int) -> None:
    script = "trap '' HUP INT TERM CHLD PIPE; exec \"$@\""
    done = nsview("enter", str(box), "--", "cat", "/proc/self/status",
                  launcher=("sh", "-c", script, "sh"))  # fmt: skip
    assert done.status == 0, done.err
    ignored = next(line for line in done.out.decode().splitlines() if line.startswith("SigIgn"))
    blocked = next(line for line in done.out.decode().splitlines() if line.startswith("SigBlk"))
    # 32 and 33 are the C library's own, and it lets nobody touch them.
    of_ours = ~(0b11 << 31)
    assert (int(ignored.split()[1], 16) & of_ours, int(blocked.split()[1], 16)) == (0, 0)


def _inside(box: int) -> list[str]:
    """Processes of its pid namespace but the first; zombies wait for that one to reap them."""
    namespace = os.readlink(f"/proc/{box}/ns/pid")
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            there = os.readlink(f"/proc/{pid}/ns/pid") == namespace
            if there and state != "Z" and int(pid) != box:
                found.append(pid)
    return found


def _joiners() -> list[str]:
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if b"nsview.enter.joiner" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def test_nothing_is_left(box: int) -> None:
    """Killed at random moments, in every way; fixed seed, so a failure comes again."""
    chance = random.Random(20)
    mounts = Path("/proc/self/mountinfo").read_text()
    inside = Path(f"/proc/{box}/mountinfo").read_text()
    kinds = [(), ("--toolbox", "busybox"), ("--ns", "net"), ("--privileged",), ("--user", "1:1")]
    joiners = set(_joiners())
    for turn in range(40):
        process = subprocess.Popen(
            command("enter", str(box), *kinds[turn % len(kinds)], "--", "sh", "-c", "sleep 987"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )  # fmt: skip
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.4))
        process.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        process.wait(20)
    wait_until(lambda: not set(_joiners()) - joiners)
    wait_until(lambda: not _inside(box))
    assert Path("/proc/self/mountinfo").read_text() == mounts
    assert Path(f"/proc/{box}/mountinfo").read_text() == inside


def test_descriptors_of_ours_are_closed(box: int) -> None:
    task = Host().snapshot().tasks[box]
    enter(Procfs(), task, Choice(command=("true",)), lambda *_: None)
    before = sorted(os.listdir("/proc/self/fd"))
    for words in (("true",), ("no-such-program-at-all",), ("sh", "-c", "kill -9 $$")):
        with contextlib.suppress(NsviewError):
            enter(Procfs(), task, Choice(command=words), lambda *_: None)
    assert sorted(os.listdir("/proc/self/fd")) == before
