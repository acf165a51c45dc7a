"""Small roots for sandboxes of nsview, and a look at all that sandboxes leave on a host."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from support.processes import wait_until
from support.reaper import cgroup_directories

STATE = Path("/run/nsview")
LAYERS = Path("/var/lib/nsview")
_APPLETS = (
    "sh", "ls", "cat", "id", "ps", "mount", "umount", "ip", "hostname", "touch", "sleep", "kill",
    "env", "true", "false", "mknod", "dd", "ln", "rm", "mkdir", "readlink", "grep", "wc", "sync",
    "tty", "chroot", "setsid", "pwd", "printf", "stat", "head", "trap", "nc",
)  # fmt: skip


def make_root(directory: Path) -> Path:
    """A root file system of one static busybox."""
    programs = directory / "bin"
    programs.mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copy(busybox, programs / "busybox")
    for name in _APPLETS:
        (programs / name).symlink_to("busybox")
    (directory / "etc").mkdir()
    (directory / "etc/passwd").write_text(
        "root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n"
    )
    (directory / "etc/group").write_text("root:x:0:\nweb:x:1001:\nlog:x:1002:web\n")
    (directory / "file").write_text("lower\n")
    return directory


def fingerprint(directory: Path) -> str:
    """A hash of every name, type, mode, owner, time and content below a directory."""
    whole = hashlib.sha256()
    for top, names, files in sorted(os.walk(directory)):
        for name in sorted((*names, *files)):
            path = os.path.join(top, name)
            found = os.lstat(path)
            whole.update(repr((path, found.st_mode, found.st_uid, found.st_mtime_ns)).encode())
            if stat.S_ISREG(found.st_mode):
                whole.update(Path(path).read_bytes())
    return whole.hexdigest()


def _ids(directory: Path) -> set[str]:
    with contextlib.suppress(FileNotFoundError):
        return {name for name in os.listdir(directory) if len(name) == 32}
    return set()


def leftovers(known: set[str]) -> dict[str, set[str]]:
    """What is there of sandboxes that are not `known`: state, layers, groups, mounts, processes."""
    groups = {
        one for one in cgroup_directories() if os.path.basename(os.path.dirname(one)) == "nsview"
    }
    mounts = set(Path("/proc/self/mountinfo").read_text().splitlines())
    return {
        "state": _ids(STATE) - known,
        "layers": _ids(LAYERS) - known,
        "groups": {one for one in groups if os.path.basename(one) not in known},
        "mounts": {
            one for one in mounts if f" {LAYERS}/" in one and not any(id_ in one for id_ in known)
        },
        "processes": {pid for pid, groups in _members() if not any(id_ in groups for id_ in known)},
    }


def sandboxes() -> set[str]:
    """The ids of all there are."""
    return _ids(STATE)


def is_clean(known: set[str], *ours: str | Path) -> bool:
    """Say whether nothing is there but of `known` sandboxes, and of those on no layer of `ours`.

    Somebody else may make sandboxes meanwhile.
    """
    return not any(leftovers(known | _elsewhere(set(map(str, ours)))).values())


def nothing_left(known: set[str], *ours: str | Path) -> None:
    """Wait until it is clean: whoever clears away may be at it."""
    wait_until(lambda: is_clean(known, *ours))


def kill_at(moment: float, words: list[str], *, launcher: bool) -> None:
    """Start an nsview that runs a sandbox, and kill it or its launching process after so long."""
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(moment)  # the moment is what is tested
    if not launcher:
        process.kill()
        process.wait()
        return
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    # The first of them that is killed before it says a word is started once more.
    while process.poll() is None:
        for child in children.read_text().split() if children.exists() else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        time.sleep(0.005)


def _elsewhere(ours: set[str]) -> set[str]:
    found = set()
    for identity in _ids(STATE):
        with contextlib.suppress(OSError, ValueError):
            config = json.loads((STATE / identity / "config.json").read_text())
            if not ours & {layer["path"] for layer in config["layers"]}:
                found.add(identity)
    return found


def _members() -> Iterator[tuple[str, str]]:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            groups = Path(f"/proc/{pid}/cgroup").read_text()
            if "/nsview/" in groups:
                yield pid, groups
