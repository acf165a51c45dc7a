"""`nsview run` with the real kernel: what is inside, what is outside, and what it comes to."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import Done, command, nsview
from support.processes import PATIENCE, inode, wait_until
from support.requirements import need_programs
from support.sandboxes import fingerprint, make_root, nothing_left, sandboxes

from nsview.kernel.capabilities import ENGINE_DEFAULT, capability_names
from nsview.kernel.namespaces import KINDS

_SHARED = {"user", "time"}


def inside(root: Path, script: str, *options: str) -> Done:
    """Run a script of its shell in a sandbox that is gone afterwards."""
    return nsview("run", "--rootfs", str(root), "--rm", *options, "--", "sh", "-c", script)


# What is inside.


def test_all_namespaces_but_user_and_time_are_new(root: Path) -> None:
    done = inside(root, "for kind in /proc/self/ns/*; do readlink $kind; done")
    found = {
        kind: int(number) for kind, number in re.findall(r"(\w+):\[(\d+)\]", done.out.decode())
    }
    own = {kind: inode("self", kind) for kind in KINDS}
    assert {kind for kind in KINDS if found[kind] == own[kind]} == _SHARED


def test_it_sees_its_own_processes_and_is_number_2(root: Path) -> None:
    done = inside(root, "echo $$; ls -d /proc/[0-9]*; cat /proc/1/comm; cat /proc/1/cmdline")
    lines = done.lines
    assert lines[:3] == ["2", "/proc/1", "/proc/2"]
    assert lines[-2:] == ["nsview-init", "nsview-init" + lines[-1][len("nsview-init") :]]
    assert not lines[-1].strip("\0").removeprefix("nsview-init")


def test_without_init_the_command_is_number_1(root: Path) -> None:
    done = inside(root, "echo $$; kill -TERM $$; exit 3", "--no-init")
    assert (done.status, done.out) == (3, b"1\n")


def test_no_mount_of_the_host_is_visible(root: Path) -> None:
    table = inside(root, "cat /proc/self/mountinfo").lines
    targets = {line.split()[4] for line in table}
    assert targets >= {"/", "/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}
    assert not any(one.startswith(("/run", "/tmp", "/var", "/mnt")) for one in targets)
    # All but single devices are nodev, and what is not the root is no place for programs.
    for line in table:
        target, options = line.split()[4:6]
        if target not in ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
                          "/dev/tty", "/dev/pts", "/proc/interrupts", "/proc/keys",
                          "/proc/kcore", "/proc/timer_list", "/proc/sched_debug"):  # fmt: skip
            assert "nodev" in options.split(","), line
        assert "nosuid" in options.split(","), line


def test_mounts_made_inside_are_not_on_the_host(root: Path) -> None:
    # By a name of its own: others mount and unmount things meanwhile.
    name = f"inside-{os.getpid()}"
    look = f"grep -c ' - tmpfs {name} ' /proc/self/mountinfo; exec sleep 1000"
    script = f"mkdir /m && mount -t tmpfs {name} /m; {look}"
    words = command("run", "--rootfs", str(root), "--rm", "--cap-add", "SYS_ADMIN", "--",
                    "sh", "-c", script)  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        assert f" {name} " not in Path("/proc/self/mountinfo").read_text()
        process.terminate()


def test_rights_are_dockers(root: Path) -> None:
    status = inside(root, "grep -E '^(Cap|NoNewPrivs)' /proc/self/status").lines
    found = dict(line.split(":\t") for line in status)
    for name in ("CapBnd", "CapPrm", "CapEff"):
        assert set(capability_names(int(found[name], 16))) == ENGINE_DEFAULT
    assert int(found["CapInh"], 16) == int(found["CapAmb"], 16) == 0
    assert found["NoNewPrivs"] == "1"


def test_rights_can_be_chosen(root: Path) -> None:
    done = inside(
        root, "grep CapEff /proc/self/status", "--cap-drop", "all", "--cap-add", "CAP_NET_ADMIN"
    )
    assert int(done.out.split()[1], 16) == 1 << 12


def test_a_user_has_no_capabilities_and_its_groups(root: Path) -> None:
    done = inside(root, "id; echo $HOME; grep CapEff /proc/self/status", "--user", "web")
    assert done.lines[0] == "uid=1000(web) gid=1001(web) groups=1001(web),1002(log)"
    assert done.lines[1] == "/home/web"
    assert int(done.lines[2].split()[1], 16) == 0


def test_number_1_is_no_way_out(root: Path) -> None:
    done = inside(
        root,
        "readlink /proc/1/exe; readlink /proc/1/fd/3; cat /proc/1/mem; ls /proc/1/root/;"
        "kill -KILL 1; kill -STOP 1; echo still here",
    )
    assert done.out == b"still here\n"


@pytest.mark.parametrize("slow", [False, True], ids=["", "slow"])
def test_number_1_has_no_right_but_to_send_signals(root: Path, slow: bool) -> None:
    """Nor when it takes long to give them up: more calls than the command needs."""
    launcher: tuple[str, ...] = ()
    if slow:
        need_programs("strace")
        delay = ("-e", "trace=prctl", "-e", "inject=prctl:delay_enter=2000")
        launcher = ("strace", "-f", "-o", "/dev/null", *delay)
    words = ("run", "--rootfs", str(root), "--rm", "--")
    script = ("grep", "-E", "^(Cap|NoNewPrivs|Uid)", "/proc/1/status")
    done = nsview(*words, *script, launcher=launcher)
    found = dict(line.split(":\t") for line in done.lines)
    assert {int(found[f"Cap{kind}"], 16) for kind in ("Prm", "Eff", "Bnd")} == {1 << 5}
    assert found["NoNewPrivs"] == "1"


def test_the_command_inherits_three_descriptors(root: Path) -> None:
    # The fourth is the one that ls(1) reads the directory by.
    assert inside(root, "ls /proc/self/fd").lines == ["0", "1", "2", "3"]


def test_nothing_of_our_environment_is_inside(root: Path) -> None:
    done = nsview("run", "--rootfs", str(root), "--rm", "-e", "A=b c", "--hostname", "box", "--",
                  "env")  # fmt: skip
    names = {line.partition("=")[0]: line.partition("=")[2] for line in done.lines}
    assert names.pop("A") == "b c"
    assert names.pop("HOSTNAME") == "box"
    assert set(names) <= {"PATH", "HOME", "SHLVL", "PWD"}


def test_host_name_and_hosts(root: Path) -> None:
    done = inside(root, "hostname; cat /etc/hostname; grep -c box /etc/hosts", "--hostname", "box")
    assert done.lines == ["box", "box", "1"]


def test_what_docker_hides_is_hidden(root: Path) -> None:
    script = """
        for name in kcore keys timer_list interrupts; do
            if [ -e /proc/$name ]; then head -c 1 /proc/$name | wc -c; fi
        done
        ls /sys/firmware /proc/acpi 2>/dev/null
        echo 1 > /proc/sys/kernel/hostname
        mkdir /sys/fs/cgroup/x
        touch /sys/fs/cgroup/pids/x
    """
    done = inside(root, script)
    assert set(done.out.decode().split("\n")) <= {"0", "/sys/firmware:", "/proc/acpi:", ""}
    assert done.err.count("ead-only") >= 2


@pytest.mark.parametrize("where", ["/", "/dev", "/dev/shm", "/tmp"])
def test_a_device_made_inside_cannot_be_opened(root: Path, where: str) -> None:
    device = os.stat("/").st_dev
    script = f"mknod {where}/d b {os.major(device)} {os.minor(device)} && head -c 1 {where}/d"
    done = inside(root, script, "--tmpfs", "/tmp")
    assert done.out == b""
    assert "Permission denied" in done.err


def test_standard_devices_work_and_are_nobody_elses(root: Path) -> None:
    mode = os.stat("/dev/null").st_mode
    script = """
        echo x > /dev/null && head -c 3 /dev/zero | wc -c && head -c 3 /dev/urandom | wc -c
        busybox chmod 0 /dev/null; ls -l /dev/null
    """
    done = inside(root, script)
    assert done.lines[:2] == ["3", "3"]
    assert done.lines[2].startswith("c---------")
    assert os.stat("/dev/null").st_mode == mode


def test_without_network_there_is_the_loopback_device(root: Path) -> None:
    done = inside(
        root, "ls /sys/class/net; ip addr show lo | grep -c 'inet 127'; cat /proc/net/route"
    )
    assert done.lines[:2] == ["lo", "1"]
    assert len(done.lines) <= 3  # the title at most


def test_the_hosts_network(root: Path) -> None:
    done = inside(root, "readlink /proc/self/ns/net", "--net", "host")
    assert done.lines == [f"net:[{inode('self', 'net')}]"]


def test_orphans_are_buried(root: Path) -> None:
    script = """
        i=0
        while [ $i -lt 50 ]; do (true & ) ; i=$((i + 1)); done
        while grep -q '^State:.Z' /proc/[0-9]*/status; do sleep 0.05; done
        echo buried
    """
    assert inside(root, script).lines == ["buried"]


# The file systems.


def test_writes_land_in_the_writable_layer_alone(root: Path, place: Path) -> None:
    before = fingerprint(root)
    upper = place / "upper"
    upper.mkdir()
    script = "echo new > /file; touch /made; rm /etc/passwd; cat /file"
    done = inside(root, script, "--upper", str(upper))
    assert done.lines == ["new"]
    assert fingerprint(root) == before
    assert {one.name for one in upper.iterdir()} == {"file", "made", "etc"}
    assert (upper / "file").read_text() == "new\n"
    deleted = os.stat(upper / "etc/passwd")
    assert (deleted.st_mode & 0o170000, deleted.st_rdev) == (0o020000, 0)
    # The work directory beside it is gone.
    assert not [one for one in place.iterdir() if "nsview-" in one.name]


def test_two_directories_of_every_introduction(root: Path, place: Path) -> None:
    above = place / "A"
    above.mkdir()
    (above / "file").write_text("upper one\n")
    done = nsview("run", "--lower", str(above), "--lower", str(root), "--rm", "--", "cat", "/file")
    assert done.out == b"upper one\n"


@pytest.mark.parametrize("flags", [(), ("--userns",)])
def test_more_layers_than_descriptors_fit_a_message(
    root: Path, place: Path, flags: tuple[str, ...]
) -> None:
    """253 are the most (unix(7), SCM_RIGHTS)."""
    stack = [place / "many" / str(number) for number in range(300)]
    for one in stack:
        one.mkdir(parents=True, exist_ok=True)
        (one / f"from-{one.name}").touch()
    words = [word for one in (*stack, root) for word in ("--lower", str(one))]
    done = nsview(
        "run", "--rm", *flags, *words, "--", "/bin/ls", "-d", "/from-0", "/from-299", "/file"
    )
    assert done.lines == ["/file", "/from-0", "/from-299"]
    assert str(place) not in Path("/proc/self/mountinfo").read_text()


def test_read_only(root: Path) -> None:
    done = inside(root, "cat /file; touch /x; touch /etc/x", "--ro")
    assert done.out == b"lower\n"
    assert done.err.count("Read-only file system") == 2


def test_binds_and_tmpfs(root: Path, place: Path) -> None:
    shared = place / "shared"
    (shared / "inner").mkdir(parents=True)
    (shared / "note").write_text("hello\n")
    script = """
        cat /srv/data/note /one; touch /srv/data/x; touch /w/made
        touch /t/x && ls /t
    """
    done = inside(
        root,
        script,
        *("--bind", f"{shared}:/srv/data:ro", "--bind", f"{shared}/note:/one"),
        *("--bind", f"{shared}/inner:/w", "--tmpfs", "/t"),
    )
    assert done.lines == ["hello", "hello", "x"]
    assert "Read-only" in done.err
    assert (shared / "inner/made").exists()
    assert not (shared / "x").exists()


@pytest.mark.parametrize("name", ["a:b", "a,b", "a\\b", "a b\n", "\\", "lowerdir=x", "é"])
def test_any_name_of_a_directory(root: Path, place: Path, name: str) -> None:
    odd = place / "odd" / name
    odd.mkdir(parents=True)
    (odd / "mark").write_text("here\n")
    done = nsview("run", "--lower", str(odd), "--lower", str(root), "--rm", "--", "cat", "/mark")
    assert done.out == b"here\n"


def test_links_of_an_image_lead_nowhere(place: Path) -> None:
    image = make_root(place / "hostile")
    victim = place / "victim"
    victim.mkdir()
    for name in ("dev", "proc", "sys"):
        (image / name).symlink_to(victim)
    (image / "srv").symlink_to(f"../../../../..{victim}")
    before = fingerprint(victim)
    done = inside(image, "ls /dev/null /proc/self/status; ls -d /sys/kernel; ls /srv")
    assert done.out.split() == [b"/dev/null", b"/proc/self/status", b"/sys/kernel"]
    done = inside(image, "true", "--tmpfs", "/srv/x")  # its directory is not there, inside
    assert (done.status, done.err.count("\n")) == (125, 1)
    assert fingerprint(victim) == before
    assert list(victim.iterdir()) == []


def test_the_hosts_own_root(place: Path) -> None:
    mark = place / "host-mark"
    script = f"id -u; touch /etc/nsview-was-here; rm -rf /etc/passwd {mark}; ls /etc/passwd"
    done = nsview("run", "--host-root", "--rm", "--", "sh", "-c", script)
    assert (done.status, done.out) == (2, b"0\n")
    assert Path("/etc/passwd").exists()
    assert not Path("/etc/nsview-was-here").exists()


#: Before Linux 6.13 overlayfs takes no descriptors: the launching process is to find it so.
_OLDER = """
import sys
from nsview.enter import spawn
spawn._BOOTSTRAP = spawn._BOOTSTRAP.replace("; ", chr(10)).replace("from {}", '''
from nsview.sandbox import mounts
new = mounts.new_file_system
def older(kind, options, attributes):
    if any(key == b"lowerdir+" for key, _ in options):
        raise OSError(22, "")
    return new(kind, options, attributes)
mounts.new_file_system = older
from {}''')
from nsview.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("userns", [(), ("--userns",)], ids=["", "userns"])
def test_layers_as_older_kernels_take_them(
    root: Path, place: Path, userns: tuple[str, ...]
) -> None:
    script = "head -n 1 /proc/self/mountinfo; echo x >/made; exec sleep 1000"
    upper = place / f"older{len(userns)}"
    upper.mkdir()
    words = ("run", *userns, "--rootfs", str(root), "--upper", str(upper), "--rm", "-d", "--",
             "sh", "-c", f"({script}) >/said")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _OLDER, *words], capture_output=True, check=True, timeout=60
    )
    identity = done.stdout.decode().strip()
    try:
        wait_until((upper / "made").exists)
        assert re.search(r"lowerdir=\d+:\d+,upperdir=\d+", (upper / "said").read_text())
        layers = nsview("layers", identity[:12], "--json").json["layers"]
        assert [one["path"] for one in layers if one["role"] != "init"] == [str(upper), str(root)]
        changes = nsview("diff", identity[:12], "--json").json["changes"]
        assert {one["path"] for one in changes} == {"/made", "/said"}
    finally:
        nsview("rm", "-f", identity)


# Its end.


@pytest.mark.parametrize("init", ["--init", "--no-init"])
@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("exit 130", 130)]
)
def test_the_exit_status_is_the_commands(root: Path, script: str, status: int, init: str) -> None:
    assert inside(root, script, init).status == status


@pytest.mark.parametrize("number", [9, 15, 6])
def test_a_signal_that_ends_it(root: Path, number: int) -> None:
    assert inside(root, f"kill -{number} $$").status == 128 + number


@pytest.mark.parametrize(
    ("words", "status"),
    [(["nosuch"], 127), (["/bin/nosuch"], 127), (["/etc/passwd"], 126), (["/etc"], 126)],
)
def test_what_cannot_be_started(root: Path, words: list[str], status: int) -> None:
    done = nsview("run", "--rootfs", str(root), "--", *words)
    assert done.status == status
    assert done.err.startswith("nsview: error: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("-w", "/nowhere"), 127, "directory /nowhere: No such file or directory"),
        (("-w", "/bin/sh"), 127, "directory /bin/sh: Not a directory"),
        (("--pids", "1"), 126, "true cannot be executed: Resource temporarily unavailable"),
    ],
)
def test_it_is_said_what_keeps_the_command_from_starting(
    root: Path, options: tuple[str, ...], status: int, words: str
) -> None:
    done = nsview("run", "--rootfs", str(root), *options, "--", "true")
    assert (done.status, done.err) == (status, f"nsview: error: {words}\n")


def test_a_root_directory_that_is_another_users_alone(place: Path) -> None:
    private = make_root(place / "private")
    os.chown(private, 1000, 1000)
    private.chmod(0o700)
    assert inside(private, "exit 7").status == 7


@pytest.mark.parametrize("right", ["sys_admin", "sys_ptrace", "setpcap", "kill", "all"])
def test_a_right_that_root_does_not_have(root: Path, right: str) -> None:
    known = sandboxes()
    without = ("setpriv", f"--bounding-set=-{right}")
    done = nsview("run", "--host-root", "--rm", "--", "true", launcher=without)
    assert done.status in (4, 125, 126)
    assert done.err.startswith("nsview: error: ")
    assert done.err.count("\n") == 1
    nothing_left(known, root)
    assert nsview("gc", launcher=without).status == 0


def test_json(root: Path) -> None:
    done = nsview("run", "--rootfs", str(root), "--rm", "--json", "--", "sh", "-c", "kill -9 $$")
    found = json.loads(done.out)
    assert (done.status, found["exit_code"], found["signal"]) == (137, 137, 9)
    assert found["ref"] == f"nsview/{found['id'][:12]}"


def test_input_and_output_are_relayed(root: Path) -> None:
    done = subprocess.run(
        command("run", "--rootfs", str(root), "--rm", "--", "sh", "-c", "cat; echo err >&2"),
        input=b"x" * 1_000_000,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == b"x" * 1_000_000
    assert done.stderr == b"err\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_command(root: Path, number: int) -> None:
    process = subprocess.Popen(
        command("run", "--rootfs", str(root), "--rm", "--", "sh", "-c",
                f"trap 'exit 9' {number}; echo ready; while true; do sleep 0.05; done"),
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    assert process.wait(PATIENCE) == 9
    process.stdout.close()


def test_odd_circumstances_of_the_caller(root: Path) -> None:
    # SIGCHLD ignored (as in bubblewrap's issue 705) and no standard streams at all.
    words = " ".join(command("run", "--rootfs", str(root), "--rm", "--", "true"))
    for way in ("trap '' CHLD TERM PIPE;", "exec <&- >&- 2>&-;"):
        assert (
            subprocess.run(["bash", "-c", f"{way} {words}"], check=False, timeout=60).returncode
            == 0
        )


# Limits.


def test_a_fork_bomb_is_held(root: Path) -> None:
    script = "i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i + 1)); done; echo all"
    done = inside(root, script, "--pids", "20")
    assert b"all" not in done.out
    assert "can't fork" in done.err


def test_a_memory_hog_is_killed_and_it_is_said(root: Path) -> None:
    done = inside(root, "dd if=/dev/zero of=/dev/null bs=200M count=1; echo status $?",
                  "--memory", "32m", "--json")  # fmt: skip
    assert json.loads(done.out)["oom_kills"] == 1
    assert "status 137" in done.err


def test_processor_time_is_limited(root: Path) -> None:
    done = inside(root, "cat /sys/fs/cgroup/cpu*/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max",
                  "--cpus", "0.5")  # fmt: skip
    assert done.out.split()[0] == b"50000"


# What cannot be.


def test_bad_input_is_one_line_and_leaves_nothing(root: Path, place: Path) -> None:
    file = place / "plain"
    file.write_text("")
    known = sandboxes()
    base = ("--rootfs", str(root))
    for words in (
        ("--rootfs", str(file)),
        ("--rootfs", str(place / "missing")),
        ("--lower", str(root), "--lower", str(root / "etc")),
        ("--lower", str(root), "--lower", str(root)),
        (*base, "--upper", str(root / "etc")),
        (*base, "--upper", str(file)),
        (*base, "--memory", "1"),
        (*base, "--memory=-5"),
        (*base, "--cpus", "0"),
        (*base, "--cpus", "nan"),
        (*base, "--pids=-1"),
        (*base, "--name", "../x"),
        (*base, "--hostname", "a b"),
        (*base, "--cap-add", "nothing"),
        (*base, "--bind", "nothing"),
        (*base, "--bind", f"{place}/missing:/x"),
        (*base, "--bind", "/dev/null:/x"),
        (*base, "--bind", f"{place}:/proc/x"),
        (*base, "--tmpfs", "/a/../.."),
        (*base, "--user", "nobody-knows"),
        (*base, "--env", "x"),
        (*base, "--tty", "--detach"),
    ):
        done = nsview("run", *words, "--", "true")
        assert done.status == 125, words
        assert done.err.startswith("nsview: error: "), done.err
        assert len(done.err.splitlines()) <= 2, done.err
    nothing_left(known, root)


def test_a_directory_inside_that_is_a_file(root: Path) -> None:
    done = inside(root, "true", "--tmpfs", "/file")
    assert (done.status, done.err.count("\n")) == (125, 1)


def test_the_same_upper_directory_twice(root: Path, place: Path) -> None:
    upper = place / "busy"
    upper.mkdir()
    base = ("run", "--rootfs", str(root), "--upper", str(upper), "--rm")
    first = nsview(*base, "-d", "--", "sleep", "1000")
    assert first.status == 0
    try:
        done = nsview(*base, "--", "true")
        assert done.status == 125
        assert "in use" in done.err
    finally:
        assert nsview("rm", "-f", first.lines[0]).status in (0, 3)
    wait_until(lambda: not (Path("/run/nsview") / first.lines[0]).exists())
