"""Real processes in real namespaces, for as long as a ``with`` block lasts.

Each of them also dies with the test run itself, a ``kill -9`` included: the first process of each
asks the kernel for that (PR_SET_PDEATHSIG, by setpriv(1) or ``unshare --kill-child``), and those
that only wait see the end of their stdin. PDEATHSIG follows the *thread* that started a process:
use these from the main thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nsview.kernel.namespaces import CLONE_FLAGS

_T = TypeVar("_T")

#: For what takes a moment: also on a machine that has much else to do, or one slow processor.
PATIENCE = 60.0
#: A command that does nothing until it is killed.
SLEEP = ("sleep", "infinity")
#: A launcher ends when its command has; anything else is killed after this time.
_LAUNCHER_SECONDS = 0.5
_LAUNCHERS = frozenset({"setpriv", "unshare", "nsenter", "bwrap", "env", "prlimit", "chroot"})
_DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
_FLAGS = {"mnt": "--mount"} | {
    kind: f"--{kind}" for kind in ("net", "pid", "uts", "ipc", "user", "cgroup", "time")
}


@dataclass(frozen=True)
class Held:
    """A namespace that only one thing keeps alive."""

    ino: int
    pid: int
    """The process that holds it."""
    tid: int | None = None
    fd: int | None = None
    path: str | None = None


def wait_until(condition: Callable[[], _T], timeout: float = PATIENCE) -> _T:
    """Call `condition` until what it returns is true, and return that; it is asked ever slower."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} did not come true in {timeout} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    return result


def inode(pid: int | str, kind: str) -> int:
    """The namespace of `kind` that a process (or ``PID/task/TID``) is in."""
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino


def children(pid: int) -> list[int]:
    """Of all its threads, oldest first; none when it is gone."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # that thread alone
                text = Path(f"/proc/{pid}/task/{task}/children").read_text()
                found += map(int, text.split())
    return sorted(found)


def descendants(pid: int) -> list[int]:
    """The process itself and all below it, outermost first."""
    found = [pid]
    for one in found:
        found += children(one)
    return found


def running(pid: int) -> int | None:
    """The innermost of a chain of launchers, once it has become the command they launch."""
    while below := children(pid):
        pid = below[0]
    try:
        program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None
    ours = {os.path.basename(os.path.realpath(sys.executable)), "pytest"} | _LAUNCHERS
    return None if program in ours else pid


@contextlib.contextmanager
def started(
    *command: str, pass_fds: Sequence[int] = (), die_with_us: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command with pipes; at the end kill it with all its descendants, and wait."""
    process = subprocess.Popen(
        [*(_DIE_WITH_US if die_with_us else ()), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=pass_fds,
    )
    try:
        yield process
    finally:
        _kill_tree(process.pid)
        process.communicate()


def _kill_tree(top: int) -> None:
    handles = {}
    for pid in descendants(top):
        with contextlib.suppress(ProcessLookupError):
            handles[pid] = os.pidfd_open(pid)
    # Innermost first, so that each is reaped by its parent: what is left to PID 1 may stay a zombie
    # for seconds, and its namespaces with it.
    _send_kill(handles, list(handles)[-1:])
    if top in handles:
        _is_readable(handles[top], _LAUNCHER_SECONDS)
    _send_kill(handles, handles)
    for pid, fd in handles.items():
        ended = _is_readable(fd, PATIENCE)
        os.close(fd)
        assert ended, f"process {pid} survived SIGKILL"


def _is_readable(fd: int, seconds: float) -> bool:
    """As the pidfd of a process is that has ended."""
    poll = select.poll()  # select(2) knows no descriptor above 1023, and these may be thousands
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _send_kill(handles: Mapping[int, int], pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handles[pid], signal.SIGKILL)


@contextlib.contextmanager
def watched(pids: Iterable[int]) -> Iterator[Callable[[], bool]]:
    """Hold processes by pidfd, so that nobody else's PID is taken for theirs.

    Yields a question: have all of them ended, whoever is to reap them?
    """
    with contextlib.ExitStack() as stack:
        fds = []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                fds.append(os.pidfd_open(pid))
                stack.callback(os.close, fds[-1])
        yield lambda: all(_is_readable(fd, 0) for fd in fds)


def read_line(process: subprocess.Popen[bytes]) -> str:
    """The next line that a started command prints; it must come in time."""
    assert process.stdout is not None
    ready = _is_readable(process.stdout.fileno(), PATIENCE)
    line = process.stdout.readline() if ready else b""
    assert line, f"{process.args} said nothing"
    return line.decode().rstrip("\n")


def write_line(process: subprocess.Popen[bytes], line: str) -> None:
    """Send a started command a line."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n".encode())
    process.stdin.flush()


@contextlib.contextmanager
def sandbox(*flags: str, command: Sequence[str] = SLEEP) -> Iterator[int]:
    """A process in new namespaces, made by unshare(1) with `flags`; yields its host PID.

    ``--kill-child`` (which implies ``--fork``) is added where a new pid or time namespace needs it.
    """
    fork = () if {"--pid", "--time"}.isdisjoint(flags) else ("--kill-child",)
    with started("unshare", *fork, *flags, "--", *command) as process:
        yield wait_until(lambda: running(process.pid))


@contextlib.contextmanager
def nested_pid_namespaces(depth: int) -> Iterator[list[int]]:
    """A chain of pid namespaces; yields the host PIDs of their first processes, outermost first."""
    layer = ("unshare", "--pid", "--kill-child", "--")
    with started(*layer * depth, *SLEEP) as process:
        wait_until(lambda: running(process.pid))
        yield descendants(process.pid)[1:]


@contextlib.contextmanager
def joined_by_setns(target: int, *flags: str, command: Sequence[str] = ("cat",)) -> Iterator[int]:
    """A process that entered the pid namespace (or those of `flags`) of `target` from outside.

    Its parent stays outside: getppid() is 0 in there. Yields its host PID. The command is one of
    the container's own where its mount namespace is joined too; it should end with its stdin.
    """
    enter = ("nsenter", "--target", str(target), *(flags or ("--pid",)))
    with started(*enter, "--", *command) as process:
        yield wait_until(lambda: running(process.pid))


@contextlib.contextmanager
def held_by_fd(kind: str) -> Iterator[Held]:
    """A namespace with nobody in it and an open descriptor in a process of our own namespaces."""
    with contextlib.ExitStack() as stack:
        with sandbox(_FLAGS[kind]) as pid:
            fd = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
            try:
                ino = inode(pid, kind)
                process = stack.enter_context(started("cat", pass_fds=(fd,)))
            finally:
                os.close(fd)
        wait_until(lambda: running(process.pid))
        yield Held(ino=ino, pid=process.pid, fd=fd)


@contextlib.contextmanager
def _one_cpu() -> Iterator[None]:
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cpus)


_BIND = """
mount -t tmpfs none /mnt && : >/mnt/{name} && echo || exit
read pid && mount --bind /proc/$pid/ns/{kind} /mnt/{name} && echo && exec cat
"""


@contextlib.contextmanager
def held_by_bind_mount(kind: str, name: str = "held") -> Iterator[Held]:
    """A namespace with nobody in it, bind mounted in a mount namespace of another process alone."""
    # A mount namespace can be mounted only in an older one, so the holder comes first; and Linux
    # 6.18 tells their ages by ids that it deals out to each CPU in batches, so both on one CPU.
    script = _BIND.format(name=name, kind=kind)
    with contextlib.ExitStack() as stack:
        with _one_cpu():
            process = stack.enter_context(started("unshare", "--mount", "--", "sh", "-c", script))
            read_line(process)
            with sandbox(_FLAGS[kind]) as pid:
                ino = inode(pid, kind)
                write_line(process, str(pid))
                read_line(process)
        yield Held(ino=ino, pid=process.pid, path=f"/mnt/{name}")


_PREAMBLE = f"""
import ctypes, os, socket, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = {CLONE_FLAGS["net"]}
def check(result):
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def stay(*numbers):
    print(*numbers, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def _python(code: str) -> Iterator[tuple[int, list[int]]]:
    """Run code that says some numbers and then waits; yields its PID and the numbers."""
    with started(sys.executable, "-I", "-S", "-c", _PREAMBLE + code) as process:
        yield process.pid, [int(word) for word in read_line(process).split()]


@contextlib.contextmanager
def thread_in_new_namespace(kind: str) -> Iterator[Held]:
    """A process of which one thread has left the leader's namespace (mnt, net, uts, ipc, cgroup).

    The kernel lets no thread leave its leader's user or pid namespace.
    """
    code = f"""
def leave():
    check(libc.unshare({CLONE_FLAGS[kind]}))
    stay(threading.get_native_id())
thread = threading.Thread(target=leave)
thread.start()
thread.join()
"""
    with _python(code) as (pid, (tid,)):
        yield Held(ino=inode(f"{pid}/task/{tid}", kind), pid=pid, tid=tid)


@contextlib.contextmanager
def held_by_socket() -> Iterator[Held]:
    """A network namespace with neither process nor descriptor, kept alive by an open socket."""
    code = """
home = os.open("/proc/self/ns/net", os.O_RDONLY)
check(libc.unshare(CLONE_NEWNET))
ino = os.stat("/proc/self/ns/net").st_ino
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
check(libc.setns(home, CLONE_NEWNET))
os.close(home)
stay(ino, held.fileno())
"""
    with _python(code) as (pid, (ino, fd)):
        yield Held(ino=ino, pid=pid, fd=fd)


@contextlib.contextmanager
def uid_mapped(*flags: str, first: int = 100_000, count: int = 65_536) -> Iterator[int]:
    """Root of a user namespace whose ids are `count` of the host's from `first` on."""
    script = "echo && read go && exec setpriv --reuid 0 --regid 0 --clear-groups cat"
    with started("unshare", "--user", "--keep-caps", *flags, "--", "sh", "-c", script) as process:
        read_line(process)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{process.pid}/{name}").write_text(f"0 {first} {count}\n")
        write_line(process, "go")
        wait_until(lambda: os.stat(f"/proc/{process.pid}").st_uid == first)
        yield wait_until(lambda: running(process.pid))


@contextlib.contextmanager
def shifted_time(*, monotonic: int = 1_000, boottime: int = 100_000) -> Iterator[int]:
    """A process in a time namespace whose clocks are ahead by so many seconds."""
    offsets = (f"--monotonic={monotonic}", f"--boottime={boottime}")
    with sandbox("--time", *offsets) as pid:
        yield pid


@contextlib.contextmanager
def bwrap(*flags: str, command: Sequence[str] = SLEEP) -> Iterator[int]:
    """A bubblewrap sandbox on the host's files; yields the host PID of the command in it.

    Without flags it unshares everything, and is in a user namespace within another one: bwrap
    makes the second to give the user an id that is not the one which may mount a devpts.
    """
    layout = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--die-with-parent")
    chosen = flags or ("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000")
    with started("bwrap", *chosen, *layout, "--", *command) as process:
        yield wait_until(lambda: running(process.pid))


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[str]:
    """Freeze a process by a cgroup of its own (v2, or v1's freezer); yields the cgroup's path."""
    from support.run import Run

    home, on, off = _freezer(pid)
    with Run() as run:  # a frozen process must be thawed even when the test run is killed
        directory = home[0] / run.name
        directory.mkdir()
        try:
            (directory / "cgroup.procs").write_text(str(pid))
            (directory / on[0]).write_text(on[1])
            wait_until(lambda: on[2] in (directory / on[3]).read_text())
            yield f"/{run.name}"
        finally:
            (directory / off[0]).write_text(off[1])
            with contextlib.suppress(ProcessLookupError):
                (Path(f"{home[0]}{home[1]}") / "cgroup.procs").write_text(str(pid))
            wait_until(lambda: not (directory / "cgroup.procs").read_text())
            directory.rmdir()


_Words = tuple[str, ...]


def _freezer(pid: int) -> tuple[tuple[Path, str], _Words, _Words]:
    """Where processes are frozen, where `pid` came from, and what is to be written and read."""
    lines = [row.split(":", 2) for row in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    v1 = next((path for _, controllers, path in lines if controllers == "freezer"), None)
    if v1 is not None:
        on = ("freezer.state", "FROZEN", "FROZEN", "freezer.state")
        return (Path("/sys/fs/cgroup/freezer"), v1), on, ("freezer.state", "THAWED")
    v2 = next(path for hierarchy, _, path in lines if hierarchy == "0")
    on = ("cgroup.freeze", "1", "frozen 1", "cgroup.events")
    return (Path("/sys/fs/cgroup"), v2), on, ("cgroup.freeze", "0")
