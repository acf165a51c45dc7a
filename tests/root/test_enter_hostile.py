"""What a container may do against those who enter, and what must not be left by them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, command, nsview
from support.descriptors import open_descriptors
from support.processes import (
    children,
    descendants,
    read_line,
    running,
    sandbox,
    started,
    wait_until,
    watched,
)
from support.requirements import need_programs

from nsview.enter.enter import Choice, enter, prepare
from nsview.errors import NoSuchObject, NsviewError
from nsview.host.host import Host
from nsview.kernel.procfs import Procfs
from nsview.kernel.safe_open import read_below

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
    before = open_descriptors()
    with pytest.raises(NoSuchObject):
        enter(Procfs(), task, Choice(command=("true",)), lambda *_: None)
    assert open_descriptors() == before


def test_a_target_that_ends_before_it_is_joined() -> None:
    """Case 2, later: everything is open, and the pid namespace takes nobody in any more."""
    with sandbox(*_BOX) as pid:
        task = Host().snapshot().tasks[pid]
        before = children(os.getpid())
        with prepare(Procfs(), task, Choice(command=("true",))) as ready:
            with watched([pid]) as ended:
                os.kill(pid, signal.SIGKILL)
                wait_until(ended)
            with pytest.raises(NsviewError, match="in the pid namespace"):
                ready.run(lambda *_: None)
        # The joining process was waited for.
        assert children(os.getpid()) == before


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


_EVIL = """\
#!/proc/self/exe
import fcntl, os
print(os.readlink("/proc/self/exe"))
print(fcntl.fcntl(os.open("/proc/self/exe", os.O_RDONLY), 1034))
"""


def test_the_interpreter_that_a_script_gets_hold_of(box: int, tmp_path: Path) -> None:
    """Case 10, CVE-2019-5736: a copy in memory, with all seals (F_GET_SEALS is 1034)."""
    evil = tmp_path / "evil"
    evil.write_text(_EVIL)
    evil.chmod(0o755)
    refused = nsview("enter", str(box), "--", str(evil))
    assert refused.status == 126
    # By a relative path, it is only the kernel that looks.
    done = nsview("enter", str(box), "--cwd", str(tmp_path), "--", "./evil")
    where, seals = done.out.decode().splitlines()
    assert where.startswith("/memfd:")
    assert int(seals) == 0x0F


def test_nobody_may_trace_who_enters(box: int, tmp_path: Path) -> None:
    """Case 9, CVE-2016-9962: not dumpable before the first step inside, and after each change."""
    need_programs("strace")
    log = tmp_path / "strace.log"
    calls = "trace=setns,prctl,setresuid,capset,execve,chroot,fork,clone"
    done = nsview("enter", str(box), "--user", "5:5", "--", "true",
                  launcher=("strace", "-f", "-o", str(log), "-e", calls))  # fmt: skip
    assert done.status == 0, done.err
    lines = log.read_text(errors="replace").splitlines()
    dumpable = [line for line in lines if "PR_SET_DUMPABLE" in line]
    assert len(dumpable) == 2
    assert all("SUID_DUMP_DISABLE" in line and line.endswith("= 0") for line in dumpable)
    first = next(at for at, line in enumerate(lines) if "setns(" in line)
    changed = next(at for at, line in enumerate(lines) if "setresuid(5" in line)
    dropped = next(at for at, line in enumerate(lines) if "PR_CAPBSET_DROP" in line or
                   "PR_CAP_AMBIENT" in line)  # fmt: skip
    assert lines.index(dumpable[0]) < first < changed < lines.index(dumpable[1]) < dropped


#: Looks at every process that appears in its pid namespace, and says whose program it could open.
_SPY = """
import os
print("ready", flush=True)
own = os.getpid()
os.set_blocking(0, False)
while True:
    try:
        if not os.read(0, 1):
            break
    except BlockingIOError:
        pass
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == own:
            continue
        for name in ("exe", "root/bin/true", "fd/0", "fd/3", "fd/5", "fd/9"):
            try:
                fd = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_NONBLOCK)
            except OSError:
                continue
            print(os.readlink(f"/proc/self/fd/{fd}"), flush=True)
            os.close(fd)
"""
#: As docker has it: without sys_ptrace, sys_admin.
_FEW = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_raw,+mknod"


def test_a_spy_in_the_container_never_gets_hold_of_who_enters(tmp_path: Path) -> None:
    """Case 9, for real: it sees the command, and nothing of what the command was before."""
    need_programs("setpriv")
    spy = tmp_path / "spy.py"
    spy.write_text(_SPY)
    said = tmp_path / "said"
    program = Path(os.path.realpath(sys.executable))
    before = program.stat()
    script = f"exec setpriv --bounding-set {_FEW} {sys.executable} -I -S {spy} >{said}"
    with started(
        "unshare", "--kill-child", "--pid", "--mount-proc", "--", "sh", "-c", script
    ) as one:
        pid = wait_until(lambda: descendants(one.pid)[1:])[0]
        wait_until(lambda: said.exists() and said.read_text())
        for _ in range(30):
            done = nsview("enter", str(pid), "--", "/bin/sleep", "0.02")
            assert done.status == 0, done.err
        # Such a short one may end before the spy is let run at all.
        with subprocess.Popen(command("enter", str(pid), "--", "/bin/sleep", "1000")) as stays:
            wait_until(lambda: "/sleep\n" in said.read_text())
            stays.terminate()
    opened = set(said.read_text().split("\n")) - {"ready", ""}
    strange = {path for path in opened if "memfd" in path or "python" in path or "/proc" in path}
    assert strange == set()
    assert any(path.endswith("/sleep") for path in opened), opened
    after = program.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


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


#: Exchanges two names for ever: renameat2(2), RENAME_EXCHANGE.
_SWAP = """
import ctypes, os
libc = ctypes.CDLL(None)
here = os.open("etc", os.O_PATH)
print("ready", flush=True)
while True:
    libc.renameat2(here, b"passwd", here, b"other", 2)
"""


@pytest.mark.parametrize("out", ["/etc/passwd", "../../../../../../../../etc/passwd"])
def test_a_passwd_that_is_swapped_all_the_time(tmp_path: Path, out: str) -> None:
    """Case 25: what is read is the container's, at whatever moment."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("inside:x:7:7::/home:/bin/sh\n")
    (tmp_path / "etc/other").symlink_to(out)
    seen: Counter[bytes] = Counter()
    root = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    try:
        with started("env", "-C", str(tmp_path), sys.executable, "-I", "-S", "-c", _SWAP) as swaps:
            assert read_line(swaps) == "ready"
            for _ in range(5000):
                with contextlib.suppress(OSError):  # a link that leads to itself
                    seen[read_below(root, "/etc/passwd", limit=4096) or b""] += 1
    finally:
        os.close(root)
    assert seen.keys() <= {b"", b"inside:x:7:7::/home:/bin/sh\n"}
    assert seen.total() > 0


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
    # The file of a control group is the host's, by a descriptor from outside.
    assert [line for line in opened if '"/"' not in line and '"tasks"' not in line] == []


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


def test_descriptors_of_ours_are_closed(box: int) -> None:
    task = Host().snapshot().tasks[box]
    enter(Procfs(), task, Choice(command=("true",)), lambda *_: None)
    before = open_descriptors()
    for words in (("true",), ("no-such-program-at-all",), ("sh", "-c", "kill -9 $$")):
        with contextlib.suppress(NsviewError):
            enter(Procfs(), task, Choice(command=words), lambda *_: None)
    assert open_descriptors() == before
