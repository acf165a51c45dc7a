"""`nsview enter` on real namespaces: what the command finds itself to be, and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import NOBODY, command, nsview, python_for_everybody
from support.processes import (
    bwrap,
    frozen,
    inode,
    read_line,
    running,
    sandbox,
    started,
    uid_mapped,
    wait_until,
)
from support.requirements import need_programs

from nsview.kernel.namespaces import KINDS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="joins namespaces")

_ALL = ("--mount-proc", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--time")


@pytest.fixture(scope="module")
def box() -> Iterator[int]:
    with sandbox(*_ALL) as pid:
        yield pid


def links(text: str) -> dict[str, int]:
    """Kind and inode in the output of readlink."""
    return {kind: int(number) for kind, number in re.findall(r"(\w+):\[(\d+)\]", text)}


_READ_LINKS = ("sh", "-c", "readlink /proc/self/ns/*")


def test_all_namespaces(box: int) -> None:
    done = nsview("enter", str(box), "--", *_READ_LINKS)
    assert links(done.out.decode()) == {kind: inode(box, kind) for kind in KINDS}


def test_chosen_namespaces_and_a_program_of_the_host(box: int) -> None:
    done = nsview("enter", str(box), "--ns", "net,uts", "--", *_READ_LINKS)
    found = links(done.out.decode())
    own = {kind: inode("self", kind) for kind in KINDS}
    assert found == own | {kind: inode(box, kind) for kind in ("net", "uts")}


def test_the_mounts_alone(box: int) -> None:
    # Its /proc is of a pid namespace in which we are not.
    done = nsview(
        "enter", str(box), "--ns", "mnt", "--", "sh", "-c", "cat /proc/1/comm /proc/self/comm"
    )
    assert done.out == b"sleep\n"


@pytest.mark.parametrize("kind", ["net", "pid", "uts", "ipc", "cgroup", "time"])
def test_each_kind_alone(kind: str, box: int) -> None:
    done = nsview("enter", str(box), "--ns", kind, "--", *_READ_LINKS)
    assert links(done.out.decode())[kind] == inode(box, kind)


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)],
)
def test_the_exit_status_is_the_commands(box: int, script: str, status: int) -> None:
    assert nsview("enter", str(box), "--", "sh", "-c", script).status == status


def test_what_does_not_start(box: int) -> None:
    missing = nsview("enter", str(box), "--", "no-such-program")
    assert (missing.status, missing.out) == (127, b"")
    assert "no-such-program" in missing.err
    refused = nsview("enter", str(box), "--", "/etc/passwd")
    assert refused.status == 126
    assert "not executable" in refused.err


def test_who_cannot_be_entered() -> None:
    assert nsview("enter", "nope", "--", "true").status == 3
    kernel = nsview("enter", "2", "--", "true")
    if kernel.status != 3:  # not in a container of our own
        assert kernel.status == 125
        assert "kernel" in kernel.err
    with subprocess.Popen(["true"]) as child:  # ours, and a zombie until we wait for it
        status = Path(f"/proc/{child.pid}/stat")
        wait_until(lambda: status.read_text().split()[2] == "Z")
        zombie = nsview("enter", str(child.pid), "--", "true")
    assert zombie.status == 125
    assert "zombie" in zombie.err


def test_a_paused_one_is_refused_at_once() -> None:
    with sandbox("--pid", "--mount-proc") as pid, frozen(pid):
        done = nsview("enter", str(pid), "--", "true")
    assert done.status == 125
    assert "paused" in done.err


def test_descriptors_are_three(box: int) -> None:
    done = nsview("enter", str(box), "--", "sh", "-c", "ls /proc/$$/fd; :")
    assert done.out.split() == [b"0", b"1", b"2"]


def test_files_of_ours_are_not_handed_in(box: int, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("for stdin")
    with secret.open() as stdin:
        done = subprocess.run(
            command("enter", str(box), "--", "sh", "-c", "readlink /proc/$$/fd/0; cat"),
            stdin=stdin, capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert done.stdout.startswith("pipe:")
    assert done.stdout.endswith("for stdin")


def test_nothing_of_our_environment(box: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NSVIEW_SECRET", "SUDO_USER", "SSH_AUTH_SOCK", "LD_PRELOAD_NOT"):
        monkeypatch.setenv(name, "canary")
    for flags in ((), ("--ns", "net"), ("--toolbox", "busybox")):
        done = nsview("enter", str(box), *flags, "--env", "MINE=1", "--", "env")
        assert b"canary" not in done.out
        assert b"MINE=1" in done.out.split(b"\n")


def test_the_environment_of_the_target() -> None:
    command = ("env", "-i", "A=two words", "B=line\nline", "LD_NOT=1", "sleep", "infinity")
    with sandbox("--pid", "--mount-proc", command=command) as pid:
        done = nsview("enter", str(pid), "--", "/usr/bin/env", "-0")
        tool = nsview("enter", str(pid), "--toolbox", "busybox", "--", "env")
    assert {b"A=two words", b"B=line\nline", b"LD_NOT=1"} <= {*done.out.split(b"\0")}
    assert b"LD_NOT" not in tool.out


def fields(text: str) -> dict[str, str]:
    """/proc/PID/status by name."""
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


_RIGHTS = ("Uid", "Gid", "Groups", "CapInh", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
           "Seccomp_filters", "Umask")  # fmt: skip


@pytest.mark.parametrize(
    "launcher",
    [
        ("setpriv", "--bounding-set", "-all,+chown,+kill,+setpcap"),
        ("setpriv", "--no-new-privs"),
        ("setpriv", "--reuid", "1234", "--regid", "77", "--groups", "5,6"),
        ("setpriv", "--reuid", "1234", "--clear-groups", "--regid", "1", "--no-new-privs",
         "--bounding-set", "-all"),
        ("setpriv", "--reuid", "1234", "--clear-groups", "--regid", "1",
         "--inh-caps", "-all,+net_raw", "--ambient-caps", "-all,+net_raw"),
        ("sh", "-c", 'umask 027; exec "$@"', "sh"),
    ],
    ids=lambda words: " ".join(words[1:3]),
)  # fmt: skip
def test_rights_are_those_of_the_target(launcher: tuple[str, ...]) -> None:
    need_programs("setpriv")
    with sandbox("--pid", "--mount-proc", command=(*launcher, "sleep", "infinity")) as pid:
        wait_until(lambda: os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "sleep")
        done = nsview("enter", str(pid), "--", "cat", "/proc/self/status")
        theirs = fields(Path(f"/proc/{pid}/status").read_text())
    ours = fields(done.out.decode())
    assert {name: ours[name] for name in _RIGHTS} == {name: theirs[name] for name in _RIGHTS}
    assert int(ours["CapEff"], 16) & ~int(theirs["CapBnd"], 16) == 0
    if theirs["Uid"].startswith("1234"):
        assert ours["CapEff"] == theirs["CapAmb"]


def test_limits_and_cgroups() -> None:
    launcher = ("prlimit", "--nofile=64:128", "--core=0:0", "--fsize=1000000")
    with sandbox("--pid", "--mount-proc", command=(*launcher, "sleep", "infinity")) as pid:
        wait_until(lambda: os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "sleep")
        done = nsview("enter", str(pid), "--", "cat", "/proc/self/limits", "/proc/self/cgroup")
        theirs = Path(f"/proc/{pid}/limits").read_text() + Path(f"/proc/{pid}/cgroup").read_text()
    assert done.out.decode() == theirs


def test_privileged(box: int) -> None:
    with sandbox("--pid", "--mount-proc", command=(
        "setpriv", "--no-new-privs", "--bounding-set", "-all", "--reuid", "1234", "--regid", "1",
        "--clear-groups", "sleep", "infinity")) as pid:  # fmt: skip
        wait_until(lambda: os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "sleep")
        done = nsview("enter", str(pid), "--privileged", "--", "cat", "/proc/self/status")
    ours, own = fields(done.out.decode()), fields(Path("/proc/self/status").read_text())
    assert ours["CapEff"] == ours["CapBnd"] == own["CapBnd"]
    assert ours["Uid"].split() == ["0"] * 4
    assert ours["NoNewPrivs"] == "0"


def test_a_user_namespace() -> None:
    with uid_mapped("--mount", "--net", "--uts", "--ipc", "--cgroup") as pid:
        done = nsview("enter", str(pid), "--", "sh", "-c",
                      "readlink /proc/self/ns/*; cat /proc/self/status")  # fmt: skip
        wanted = {kind: inode(pid, kind) for kind in KINDS}
        theirs = fields(Path(f"/proc/{pid}/status").read_text())
    found = links(done.out.decode())
    assert found == wanted
    ours = fields(done.out.decode())
    # /proc is the host's in there: ids as the reader counts them, who is inside.
    assert ours["Uid"].split() == ["0"] * 4
    assert ours["CapBnd"] == theirs["CapBnd"]
    assert ours["Groups"].split() == []


def test_groups_where_setgroups_is_denied() -> None:
    with sandbox("--user", "--map-root-user", "--mount") as pid:
        assert Path(f"/proc/{pid}/setgroups").read_text().strip() == "deny"
        done = nsview("enter", str(pid), "--", "cat", "/proc/self/status")
        theirs = fields(Path(f"/proc/{pid}/status").read_text())
    assert len(fields(done.out.decode())["Groups"].split()) == len(theirs["Groups"].split())


def test_nested_user_namespaces() -> None:
    need_programs("bwrap")
    with bwrap() as pid:
        done = nsview("enter", str(pid), "--", "sh", "-c",
                      "readlink /proc/self/ns/*; cat /proc/self/status")  # fmt: skip
        wanted = {kind: inode(pid, kind) for kind in KINDS}
        theirs = fields(Path(f"/proc/{pid}/status").read_text())
        privileged = nsview("enter", str(pid), "--privileged", "--", "sh", "-c",
                            "readlink /proc/self/ns/user; mount -t tmpfs none /mnt")  # fmt: skip
    assert links(done.out.decode()) == wanted
    ours = fields(done.out.decode())
    assert ours["Uid"].split() == ["1000"] * 4
    for name in ("CapBnd", "CapEff", "NoNewPrivs"):
        assert ours[name] == theirs[name]
    # The owner of the mount namespace is another one, with rights over the mounts.
    assert privileged.status == 0, privileged.err
    assert links(privileged.out.decode())["user"] != wanted["user"]


def test_a_chrooted_target(tmp_path: Path) -> None:
    need_programs("busybox")
    (tmp_path / "bin").mkdir()
    for name in ("busybox", "sh"):
        (tmp_path / "bin" / name).write_bytes(Path("/bin/busybox").read_bytes())
        (tmp_path / "bin" / name).chmod(0o755)
    command = ("chroot", str(tmp_path), "/bin/busybox", "sleep", "100000")
    with sandbox("--pid", "--mount", command=command) as pid:
        wait_until(lambda: os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "busybox")
        done = nsview("enter", str(pid), "--", "busybox", "ls", "/")
        assert done.out == b"bin\n", done.err


def test_a_deleted_working_directory(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = ("sh", "-c", f"cd {gone} && exec sleep infinity")
    with sandbox("--pid", "--mount-proc", command=command) as pid:
        wait_until(lambda: os.readlink(f"/proc/{pid}/cwd") == str(gone))
        gone.rmdir()
        done = nsview("enter", str(pid), "--", "sh", "-c", "pwd -P")
    assert done.out == b"/\n"
    assert "working directory" in done.err


_DIG = """
import os
for _ in range(20):
    os.mkdir("x" * 250)
    os.chdir("x" * 250)
print("ready", flush=True)
os.execvp("sleep", ["sleep", "infinity"])
"""


def test_a_working_directory_whose_name_is_too_long() -> None:
    script = 'mount -t tmpfs none /mnt && cd /mnt && exec "$@"'
    words = ("sh", "-c", script, "sh", sys.executable, "-I", "-S", "-c", _DIG)
    flags = ("--kill-child", "--pid", "--mount-proc", "--")
    with started("unshare", *flags, *words) as process:
        assert read_line(process) == "ready"
        pid = wait_until(lambda: running(process.pid))
        done = nsview("enter", str(pid), "--", "sh", "-c", "pwd -P | wc -c; stat -c %d .")
        device = os.stat(f"/proc/{pid}/cwd").st_dev
    # Where it is, however long its name: or in /, and then that is said.
    assert done.status == 0, done.err
    assert str(device) in done.out.decode().split() or "working directory" in done.err


def test_cwd_and_magic_links(box: int, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc/self/fd/0")
    assert nsview("enter", str(box), "--cwd", "/etc", "--", "pwd").out == b"/etc\n"
    for path in (tmp_path / "link", "/nonexistent", "/etc/passwd"):
        assert nsview("enter", str(box), "--cwd", str(path), "--", "pwd").status == 125


def test_seccomp_is_copied() -> None:
    need_programs("bwrap")
    # bwrap takes a filter by descriptor: deny uname(2) with EPERM, allow the rest (x86-64, arm64).
    number = {"x86_64": 63, "aarch64": 160}[os.uname().machine]
    reading, writing = os.pipe()
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)]
    os.write(writing, b"".join(
        a.to_bytes(2, "little") + bytes([b, c]) + d.to_bytes(4, "little") for a, b, c, d in code
    ))  # fmt: skip
    os.close(writing)
    words = ("bwrap", "--seccomp", str(reading), "--ro-bind", "/", "/", "--proc", "/proc",
             "--unshare-pid", "--die-with-parent", "sleep", "infinity")  # fmt: skip
    with started(*words, pass_fds=(reading,)) as process:
        os.close(reading)
        pid = wait_until(lambda: running(process.pid))
        done = nsview("enter", str(pid), "--", "sh", "-c", "cat /proc/self/status; uname")
        theirs = fields(Path(f"/proc/{pid}/status").read_text())
        assert Path(f"/proc/{pid}/stat").read_text().split()[2] == "S"
    ours = fields(done.out.decode())
    assert (ours["Seccomp"], ours["Seccomp_filters"]) == ("2", theirs["Seccomp_filters"])
    assert "Operation not permitted" in done.err


def test_a_process_is_entered_without_a_look_at_the_host(box: int) -> None:
    code = f"""
import sys
from nsview.cli.main import main
assert main(["enter", "{box}", "--", "true"]) == 0
print(*sys.modules)
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    names = loaded.stdout.split()
    assert "nsview.enter.session" in names
    assert not {"nsview.host.host", "nsview.host.model"} & {*names}
    assert not [name for name in names if name.startswith("nsview.engines")]


def test_a_signal_is_passed_on(box: int) -> None:
    script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        command("enter", str(box), "--", "sh", "-c", script),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.terminate()
    assert process.stdout.read() == b"caught\n"
    assert process.wait() == 5
    process.stdout.close()


def test_json(box: int) -> None:
    done = nsview("enter", str(box), "--json", "--", "sh", "-c", "echo out; exit 3")
    assert done.status == 3
    told = json.loads(done.out)
    assert (told["exit_code"], told["signal"], told["target"]) == (3, None, box)
    assert "out\n" in done.err


def test_much_output_and_input(box: int) -> None:
    size = 5_000_000
    done = subprocess.run(
        command("enter", str(box), "--", "sh", "-c", f"head -c {size} /dev/zero; cat"),
        input=b"x" * size, capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == bytes(size) + b"x" * size


def test_without_rights(box: int) -> None:
    python = python_for_everybody()
    others = nsview("enter", str(box), "--", "true", launcher=NOBODY, python=python)
    assert others.status == 4
    assert "takes root" in others.err
    launcher = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--")
    words = (*launcher, "unshare", "--user", "--map-root-user", "--", "sleep", "infinity")
    with started(*words) as process:
        pid = wait_until(lambda: running(process.pid))
        wait_until(lambda: os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "sleep")
        own = nsview("enter", str(pid), "--", "id", "-u", launcher=NOBODY, python=python)
        inside = nsview("enter", str(pid), "--ns", "mnt", "--", "true", launcher=NOBODY,
                        python=python)  # fmt: skip
    assert own.out == b"0\n"
    assert inside.status == 4
    assert "in a user namespace of your own" in inside.err
