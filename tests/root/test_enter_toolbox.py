"""Tools for containers that have none, and what is said of programs that cannot run."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import nsview
from support.processes import read_line, running, sandbox, started, wait_until
from support.requirements import need_programs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes mount namespaces")

#: It runs before its file system becomes what it is to be.
_PREPARE = """
mount -t tmpfs none "$1" && cd "$1" && cp /bin/busybox sleep && {content} && {proc} || exit
chroot . /sleep 100000 &
until test "$(cat /proc/$!/comm)" = sleep; do sleep 0.01; done
mount -o remount,{flags} . && echo ready && wait
"""


@contextlib.contextmanager
def scratch(
    directory: Path, *, flags: str = "ro", content: str = "mkdir dev", proc: str = "true"
) -> Iterator[int]:
    """A container of one static program on a root of its own, without a shell."""
    need_programs("busybox")
    script = _PREPARE.format(flags=flags, content=content, proc=proc)
    words = ("unshare", "--kill-child", "--pid", "--mount-proc", "--", "sh", "-c", script, "sh")
    with started(*words, str(directory)) as process:
        assert read_line(process) == "ready"
        pid = wait_until(lambda: running(process.pid))
        yield pid


def _tree(pid: int) -> list[str]:
    return sorted(str(path) for path in Path(f"/proc/{pid}/root").rglob("*"))


def _mounts(pid: int) -> str:
    return Path(f"/proc/{pid}/mountinfo").read_text()


@pytest.mark.parametrize("flags", ["ro", "rw,noexec", "ro,noexec,nosuid,nodev"])
def test_busybox_needs_nothing_there(tmp_path: Path, flags: str) -> None:
    with scratch(tmp_path, flags=flags) as pid:
        before = _mounts(pid), _tree(pid)
        listing = nsview("enter", str(pid), "--", "ls", "/")
        shell = nsview("enter", str(pid), "--", "sh", "-c", "echo $((6*7)); exit 9")
        assert (_mounts(pid), _tree(pid)) == before
    assert sorted(listing.out.split()) == [b"dev", b"sleep"]
    assert (shell.out, shell.status) == (b"42\n", 9)


def test_it_is_said_what_is_missing(tmp_path: Path) -> None:
    with scratch(tmp_path) as pid:
        shell = nsview("enter", str(pid), "--toolbox", "none")
        program = nsview("enter", str(pid), "--toolbox", "none", "--", "ls")
        nowhere = nsview("enter", str(pid), "--", "no-such-applet")
    assert shell.status == program.status == nowhere.status == 127
    assert "no shell" in shell.err
    assert "toolbox" in shell.err
    assert "has no ls" in program.err
    assert "has no no-such-applet" in nowhere.err


def test_a_directory_of_tools(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    (tools / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", tools / "bin/sh")
    shutil.copy("/bin/busybox", tools / "bin/busybox")
    root = tmp_path / "root"
    root.mkdir()
    with scratch(root, content="mkdir mnt opt") as pid:
        before = _mounts(pid), _tree(pid)
        done = nsview("enter", str(pid), "--toolbox", str(tools), "--", "sh", "-c",
                      "busybox ls /mnt/bin; busybox ls /opt; echo $PATH")  # fmt: skip
        assert (_mounts(pid), _tree(pid)) == before
        inside = nsview("enter", str(pid), "--toolbox", str(tools), "--cwd", "/opt", "--", "sh",
                        "-c", "pwd")  # fmt: skip
    assert inside.out == b"/opt\n", inside.err
    assert done.out.split()[:2] == [b"busybox", b"sh"], done.err
    assert done.out.split()[2].startswith(b"/mnt/bin:")


def test_a_directory_of_tools_where_the_root_is_no_mount(tmp_path: Path) -> None:
    tools, root = tmp_path / "tools", tmp_path / "root"
    tools.mkdir()
    (root / "srv").mkdir(parents=True)
    shutil.copy("/bin/busybox", tools / "sh")
    shutil.copy("/bin/busybox", root / "sleep")
    with sandbox("--mount", command=("chroot", str(root), "/sleep", "100000")) as pid:
        wait_until(lambda: os.readlink(f"/proc/{pid}/exe").endswith("/sleep"))
        done = nsview("enter", str(pid), "--toolbox", str(tools), "--", "sh", "-c", "pwd; echo /*")
        assert _tree(pid) == sorted(f"/proc/{pid}/root/{name}" for name in ("sleep", "srv"))
    assert done.out.split() == [b"/", b"/sleep", b"/srv"], done.err


def test_no_place_for_a_directory(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    root = tmp_path / "root"
    root.mkdir()
    # A link is no place: its end could be anywhere by the time of the mount.
    with scratch(root, content="ln -s dev mnt") as pid:
        done = nsview("enter", str(pid), "--toolbox", str(tools), "--", "sh")
    assert done.status == 125
    assert "no directory to mount" in done.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("mkdir -p bin/sh", "regular"),
        ("mkdir bin && mkfifo bin/sh && chmod 755 bin/sh", "regular"),
        ("mkdir bin && ln -s sh bin/sh", ""),
        ("mkdir bin && ln -s /proc/1/exe bin/sh", ""),
        ("mkdir bin && echo text >bin/sh", "not executable"),
        ("mkdir bin && cp /bin/ls bin/sh", "/ld-linux"),
        ("mkdir bin && printf '#!/nowhere/x\\n' >bin/sh && chmod 755 bin/sh", "/nowhere/x"),
        ("mkdir bin && head -c 18 /bin/ls >bin/sh && printf '\\1\\377' >>bin/sh &&"
         " tail -c +21 /bin/ls >>bin/sh && chmod 755 bin/sh", "processor"),
    ],
)  # fmt: skip
def test_a_shell_that_is_none(tmp_path: Path, content: str, words: str) -> None:
    with scratch(tmp_path, content=content, proc="mkdir -p proc; true") as pid:
        command = nsview("enter", str(pid), "--toolbox", "none", "--", "/bin/sh", "-c", ":")
        shell = nsview("enter", str(pid), "--toolbox", "none")
        brought = nsview("enter", str(pid), "--toolbox", "busybox", "--", "sh", "-c", "echo in")
    assert command.status in (126, 127)
    assert words in command.err
    assert shell.status == 127
    assert brought.out == b"in\n"


def test_a_shell_that_is_the_interpreter_of_whoever_enters(tmp_path: Path) -> None:
    """CVE-2019-5736: the file that runs is a sealed copy, whatever leads to it."""
    content = "mkdir bin proc && printf '#!/proc/self/exe\\n' >bin/sh && chmod 755 bin/sh"
    program = Path(os.path.realpath(sys.executable))
    before = program.read_bytes()
    with scratch(tmp_path, content=content, proc="mount -t proc proc proc") as pid:
        done = nsview("enter", str(pid), "--", "/bin/sh", "-c", ":")
    assert done.status != 0
    assert program.read_bytes() == before


def test_other_users_in_a_user_namespace(tmp_path: Path) -> None:
    need_programs("setpriv", "busybox")
    script = (
        "mount -t tmpfs none /mnt && cd /mnt && cp /bin/busybox sleep && mkdir mnt && "
        "echo ready && exec chroot . /sleep 100000"
    )
    words = ("setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", "--",
             "unshare", "--user", "--map-root-user", "--mount", "--pid", "--kill-child", "--",
             "sh", "-c", script)  # fmt: skip
    with started(*words) as process:
        assert read_line(process) == "ready"
        pid = wait_until(lambda: running(process.pid))
        wait_until(lambda: os.readlink(f"/proc/{pid}/exe").endswith("/sleep"))
        done = nsview("enter", str(pid), "--", "sh", "-c", "echo in $(id -u)")
        tools = tmp_path / "tools"
        tools.mkdir()
        shutil.copy("/bin/busybox", tools / "id")
        shutil.copy("/bin/busybox", tools / "cat")
        mounted = nsview("enter", str(pid), "--toolbox", str(tools), "--", "id", "-u")
    assert done.out == b"in 0\n", done.err
    assert mounted.out == b"0\n", mounted.err
