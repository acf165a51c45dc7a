"""Wait for the end of a test run, however it ends, and remove everything that bears its name.

``python -I reaper.py nsview-test-XXXXXXXX``: says ``ready``, waits for the end of its stdin (which
the kernel closes with the run's process), cleans up, and exits 1 with a line for each thing that
stayed. Runs whose reaper was killed too are cleaned up by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial

PARENT = "/tmp"
PREFIX = "nsview-test-"
#: In the environment of every process that a run starts, and of what inherits it (shims, monitors).
MARK = "NSVIEW_TEST_RUN"

_CGROUP_MOUNTS = ("cgroup", "cgroup2")
_OCTAL = re.compile(r"\\([0-7]{3})")
_PATIENCE = 30.0
_ROUNDS = 5


def clean(name: str) -> list[str]:
    """Remove processes, mounts, cgroups, sockets, users and files of the run `name`."""
    complaints = []
    cgroups: set[str] = set(_cgroups_named(name))
    _thaw(cgroups)
    for _ in range(_ROUNDS):  # what is killed may still have started something
        pids = set(processes(name))
        if not pids:
            break
        cgroups.update(_cgroups_of(pids))
        _thaw(cgroups)
        _kill(pids)
    complaints += [f"process {pid} still runs" for pid in processes(name)]
    _remove_user(name)
    _remove_runtime_files(name)
    _remove_cgroups(cgroups, known=_known_cgroups(name))
    complaints += [f"cgroup {path} is in use" for path in _cgroups_named(name)]
    complaints += _unmount(name)
    if not complaints:
        shutil.rmtree(f"{PARENT}/{name}", ignore_errors=True)
        if os.path.lexists(f"{PARENT}/{name}"):
            complaints.append(f"{PARENT}/{name} could not be removed")
    return complaints


def processes(name: str) -> Iterator[int]:
    """Every process of the run: marked, or with files in its directory, or of its own user."""
    needle = name.encode()
    mark = f"{MARK}={name}".encode()
    uid = _user(name)
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            path = f"/proc/{entry}"
            if (
                mark in _read(f"{path}/environ").split(b"\0")
                # podman gives conmon an environment of its own making
                or (_read(f"{path}/comm") == b"conmon\n" and needle in _read(f"{path}/cmdline"))
                or any(map(partial(_is_in_container, needle), _mounts(path, needle)))
                or (uid is not None and os.stat(path).st_uid == uid)
            ):
                yield int(entry)


def _mounts(path: str, needle: bytes) -> list[bytes]:
    data = _read(f"{path}/mountinfo")
    return [line for line in data.split(b"\n") if needle in line] if needle in data else []


def _is_in_container(needle: bytes, mount: bytes) -> bool:
    """Of a mount that names the directory: it is the root, or a file from there, as /etc/hosts is.

    The root alone would not tell: the mounts of fuse-overlayfs name no directory.
    """
    _, _, _, source, target, *_ = mount.split(b" ")
    return target == b"/" or (needle in source and needle not in target)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _lines(path: str) -> list[str]:
    # Others' tests give things names of any byte but the one that ends a line.
    return os.fsdecode(_read(path)).split("\n")[:-1]


def _kill(pids: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE
    while any(map(_lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        state = _read(f"/proc/{pid}/stat").rsplit(b") ", 1)[1][:1]
    except OSError:
        return False
    return state not in b"ZX"  # a zombie holds nothing; its parent may take its time


# --- cgroups: v1, v2 and both at once


def _hierarchies() -> list[str]:
    rows = (line.split(" ") for line in _lines("/proc/self/mounts"))
    return [row[1] for row in rows if row[2] in _CGROUP_MOUNTS]


def cgroup_directories() -> set[str]:
    """Every cgroup there is, in every hierarchy."""
    return {top for mount in _hierarchies() for top, _, _ in os.walk(mount) if top != mount}


def _cgroups_named(name: str) -> Iterator[str]:
    return (directory for directory in cgroup_directories() if name in directory)


def _cgroups_of(pids: Iterable[int]) -> Iterator[str]:
    mounts = _hierarchies()
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in _lines(f"/proc/{pid}/cgroup"):
                path = line.split(":", 2)[2]
                while path.strip("/"):
                    yield from filter(os.path.isdir, (mount + path for mount in mounts))
                    path = os.path.dirname(path)


def _known_cgroups(name: str) -> set[str]:
    # Those that were there before the run are none of our business.
    with contextlib.suppress(OSError):
        return set(_lines(f"{PARENT}/{name}/cgroups"))
    return set()


def _thaw(cgroups: Iterable[str]) -> None:
    # cgroup v1 does not even let a frozen process be killed.
    for directory in cgroups:
        for file, word in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            with (
                contextlib.suppress(OSError),
                open(f"{directory}/{file}", "r+", encoding="ascii") as state,
            ):
                state.write(word)


def _remove_cgroups(cgroups: set[str], *, known: set[str]) -> None:
    below = {
        top for one in cgroups - known for top, _, _ in os.walk(one) if top not in known
    } | cgroups - known
    for directory in sorted(below, key=len, reverse=True):
        with contextlib.suppress(OSError):  # not empty: somebody else uses it
            os.rmdir(directory)


# --- what else an engine leaves


def _unmount(name: str) -> list[str]:
    def ours() -> list[str]:
        rows = (line.split(" ")[4] for line in _lines("/proc/self/mountinfo"))
        return [target for target in rows if target.startswith(f"{PARENT}/{name}/")]

    for target in reversed(ours()):
        path = _OCTAL.sub(lambda found: chr(int(found[1], 8)), target)  # \040 and friends
        subprocess.run(["umount", "--lazy", "--", path], check=False, capture_output=True)
    return [f"{target} is still mounted" for target in ours()]


def _remove_runtime_files(name: str) -> None:
    # What these three put below /run, wherever their other files are.
    for file in glob.glob(f"{PARENT}/{name}/**/address", recursive=True):
        with contextlib.suppress(OSError):
            path = _read(file).decode().removeprefix("unix://")
            if path.startswith("/run/containerd/s/"):
                os.unlink(path)
    for left in (f"/run/lxc/lock{PARENT}/{name}", *glob.glob(f"/run/systemd/nspawn/*/{name}*")):
        shutil.rmtree(left, ignore_errors=True)
    for tree in glob.glob(f"{PARENT}/{name}/{name}*"):
        status = os.stat(tree)
        with contextlib.suppress(OSError):
            os.unlink(f"/run/systemd/nspawn/locks/inode-{status.st_dev}:{status.st_ino}")


def _user(name: str) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(_read(f"{PARENT}/{name}/uid"))
    return None


def _remove_user(name: str) -> None:
    uid = _user(name)
    if uid is not None:
        account = _read(f"{PARENT}/{name}/user").decode()
        subprocess.run(["userdel", "--force", account], check=False, capture_output=True)
        shutil.rmtree(f"/run/user/{uid}", ignore_errors=True)


# --- the life of a reaper


def _sweep() -> None:
    """Clean up after the runs whose reaper is gone: nobody holds the lock on their directory."""
    for directory in glob.glob(f"{PARENT}/{PREFIX}*"):
        with contextlib.suppress(OSError):
            if os.lstat(directory).st_uid != os.geteuid():
                continue  # /tmp is everybody's
            with _locked(directory):
                clean(os.path.basename(directory))


@contextlib.contextmanager
def _locked(directory: str) -> Iterator[None]:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _made(directory: str) -> Iterator[None]:
    """Make it; it has its name only once it is locked, or another reaper would sweep it away."""
    made = f"{PARENT}/.{os.path.basename(directory)}"
    os.mkdir(made)
    with _locked(made):
        os.chmod(made, 0o755)  # whatever our umask: others look into it
        os.rename(made, directory)
        yield


def main(name: str) -> int:
    """Be the reaper of one run."""
    assert name.startswith(PREFIX)
    assert "/" not in name
    for signal_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_, signal.SIG_IGN)  # it ends with its run, not before
    with _made(f"{PARENT}/{name}"):
        _sweep()
        with open(f"{PARENT}/{name}/cgroups", "wb") as file:
            file.writelines(os.fsencode(one) + b"\n" for one in cgroup_directories())
        print("ready", flush=True)
        sys.stdin.buffer.read()
        began = time.monotonic()
        complaints = clean(name)
        while complaints and time.monotonic() - began < _PATIENCE:
            time.sleep(0.2)  # an engine that is just dying may hold on to a mount
            complaints = clean(name)
    with contextlib.suppress(BrokenPipeError):  # nobody listens when the run was killed
        os.write(sys.stdout.fileno(), "; ".join(complaints).encode())
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
