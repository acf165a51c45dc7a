"""Who launched a container, from command lines as they stand in /proc/PID/cmdline."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.launcher import Launcher, program_name, read_options, taking
from nsview.engines.launchers import recognise_launcher


def process(line: str, comm: str | None = None) -> Launcher:
    command = tuple(shlex.split(line))
    program = command[0].rpartition("/")[2] if command else ""
    return Launcher(1, program[:15] if comm is None else comm, command)


def title(text: str, comm: str) -> Launcher:
    """A process that wrote over its command line."""
    return Launcher(1, comm, (text,))


SHELL = process("-bash", "bash")
SLEEP = process("/bin/sleep 1000")
INIT = process("/lib/systemd/systemd", "systemd")
BWRAP = process("bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all sleep 300")
FLATPAK = process(
    "/usr/bin/bwrap --args 38 --ro-bind-data 9 /.flatpak-info --setenv FLATPAK_ID org.my.app -- run"
)
FIREJAIL = process("firejail --net=none --name=web -- firefox --private")
CHROME = "/opt/google/chrome/chrome"

CONMON = process(f"/usr/bin/conmon --api-version 1 -c {'ab' * 32} -u {'ab' * 32} -r /usr/bin/crun")

LAUNCHED = [
    # engine, name, id, first process, parent
    ("podman", None, "ab" * 32, SLEEP, CONMON),
    ("bubblewrap", "sleep", "", BWRAP, BWRAP),
    ("bubblewrap", "sleep", "", SLEEP, process("bwrap --as-pid-1 --dev-bind / / sleep 9")),
    ("bubblewrap", "sleep", "", BWRAP, process("/sbin/init")),
    ("bubblewrap", "app", "", process("bwrap --args 7 /app/bin/app -x"), SHELL),
    ("bubblewrap", "app", "", process("bwrap --setenv A --bind --chdir / app --bind"), SHELL),
    ("flatpak", "org.my.app", "", FLATPAK, FLATPAK),
    ("unshare", "sleep", "", SLEEP, process("unshare -fpmuinC --mount-proc sleep 300")),
    ("unshare", "bash", "", SHELL, process("/usr/bin/unshare --fork --pid")),
    ("unshare", "nginx", "", title("nginx: master process /usr/sbin/nginx", "nginx"),
     process("unshare -fp nginx")),
    ("nspawn", "ns1", "ns1", INIT, process("systemd-nspawn --keep-unit -D tree -M ns1 -b")),
    ("nspawn", "ns1", "ns1", INIT, process("systemd-nspawn --machine=ns1 -D /x --boot")),
    ("nspawn", "ns1", "ns1", INIT, process("systemd-nspawn --slice s --machine ns1")),
    ("nspawn", "tree", "tree", INIT, process("systemd-nspawn -bD /var/lib/machines/tree/")),
    ("nspawn", "tree", "tree", INIT, process("systemd-nspawn -bD/srv/tree")),
    ("nspawn", "fedora", "fedora", INIT, process("systemd-nspawn -i /srv/fedora.raw")),
    ("nspawn", "tree", "tree", SLEEP, process("systemd-nspawn -D /tree /bin/sleep -M evil")),
    ("nspawn", "systemd", "", INIT, process("systemd-nspawn -b")),
    ("lxc", "lxc1", "lxc1", process("lxc-init -n lxc1 -- sleep"),
     process("lxc-execute -n lxc1 -f config -- /bin/sleep 1000")),
    ("lxc", "lxc1", "lxc1", title("init", "lxc-execute"), process("lxc-execute -P /x -n lxc1")),
    ("lxc", "web", "web", INIT, process("lxc-start -F web")),
    ("lxc", "web", "web", SLEEP, title("[lxc monitor] /srv/lxc web", "lxc-start")),
    ("lxc", "web", "web", INIT, process("lxc-start --name=web -d")),
    ("lxc", "c1", "c1", INIT, title("[lxc monitor] /var/lib/incus c1", "[lxc monitor] /")),
    ("firejail", "web", "", FIREJAIL, FIREJAIL),
    ("firejail", "web", "", FIREJAIL, process("/sbin/init")),
    ("firejail", "firefox", "", process("firejail --noprofile /usr/bin/firefox -x"), SHELL),
    ("firejail", "sleep", "", SLEEP, process("firejail --noprofile")),
    ("firejail", "web", "", SLEEP, process("firejail --join=web")),
    ("runc", "box", "box", SLEEP, process("runc --root /run/x run -b bundle --no-pivot box")),
    ("crun", "box", "box", SLEEP, process("/usr/bin/crun run --bundle=/b box --detach")),
    ("apptainer", "sleep", "", SLEEP, title("Apptainer runtime parent: someone", "starter-suid")),
    ("singularity", "sleep", "", SLEEP, title("Singularity runtime parent", "starter")),
    ("apptainer", "db", "", SLEEP, title("Apptainer instance: root [db]", "starter")),
    ("charliecloud", "debian", "", SLEEP, process("ch-run -b /a:/b ~/img/debian -- sleep 9")),
    ("snap", "firefox", "snap.firefox.firefox", SLEEP,
     process("/usr/lib/snapd/snap-confine --base core22 snap.firefox.firefox /x/snap-exec")),
    ("chromium", "chrome", "", process(f"{CHROME} --type=zygote"), process(CHROME)),
    ("chromium", "chrome", "", process(f"{CHROME} --type=zygote"),
     process(f"/opt/google/chrome/chrome-sandbox {CHROME} --type=zygote")),
    ("chromium", "slack", "", title("/usr/lib/slack/slack --type=renderer --x", "slack"),
     process("/usr/lib/slack/slack")),
    ("firefox", "firefox", "", process("/usr/lib/firefox/firefox -contentproc -childID 1"),
     process("/usr/lib/firefox/firefox")),
]  # fmt: skip


@pytest.mark.parametrize(("engine", "name", "container", "first", "parent"), LAUNCHED)
def test_a_launcher_is_known_by_its_command_line(
    engine: str, name: str, container: str, first: Launcher, parent: Launcher
) -> None:
    match = recognise_launcher([first, parent, INIT])
    assert match is not None
    assert (match.engine, match.name, match.id) == (engine, name, container)
    assert match.kind == ("isolated" if engine in ("chromium", "firefox") else "container")


UNSHARE = process("unshare -fp sleep")
UNKNOWN = [
    [],
    [SLEEP],
    [SLEEP, SHELL],
    # No further up than the parent: the launcher launched the shell, not what the shell made.
    [SLEEP, SHELL, BWRAP],
    [SLEEP, SHELL, UNSHARE, process("systemd-nspawn -M a")],
    # `docker exec` under a shim starts no container.
    [SHELL, process("/usr/bin/containerd-shim-runc-v2 -namespace moby -id abc")],
    [SHELL, process("/usr/bin/conmon --exec-attach -c abc")],
    # Only some stay as the first process; others are believed outside of it alone.
    [UNSHARE, SHELL],
    [process("systemd-nspawn -M spoof"), SHELL],
    # A container that calls itself a browser's helper.
    [process("/bin/chrome --type=renderer"), UNSHARE._replace(comm="sh", command=("/bin/sh",))],
    [process("/bin/sh --type=crashpad-handler"), process("/bin/sh")],
    [SLEEP, process("runc list")],
    [SLEEP, process("runc run")],
    [SLEEP, process("runc exec box sleep")],
    [SLEEP, process("lxc-start")],
    [SLEEP, title("[lxc monitor] ", "[lxc monitor] ")],
    [SLEEP, process("snap-confine nothing")],
]


@pytest.mark.parametrize("chain", UNKNOWN)
def test_nobody_launched_it(chain: list[Launcher]) -> None:
    assert recognise_launcher(chain) is None


def test_a_process_without_command_line_goes_by_its_comm() -> None:
    match = recognise_launcher([Launcher(5, "sleep", ()), Launcher(4, "unshare", ())])
    assert match is not None
    assert match.name == "sleep"


def test_options_are_read_as_getopt_long_reads_them() -> None:
    takes = taking("-D --dir") | taking("--bind", words=2)
    words = ("-abD", "d1", "--bind", "x", "y", "--dir=d2", "--flag", "-Dd3", "--", "-D", "no")
    values, rest = read_options(words, takes)
    expected = {"-a": "", "-b": "", "-D": "d3", "--bind": "x", "--dir": "d2", "--flag": ""}
    assert (values, rest) == (expected, ("-D", "no"))
    assert read_options(("-a", "cmd", "-b"), takes) == ({"-a": ""}, ("cmd", "-b"))
    assert read_options(("--dir",), takes) == ({"--dir": ""}, ())
    assert read_options(("-", "x"), takes) == ({}, ("-", "x"))


def test_names_have_a_bearable_length() -> None:
    assert program_name(Launcher(1, "x", ("/bin/" + "a" * 100_000,))) == "a" * 255


PROGRAMS = st.sampled_from([
    "bwrap", "unshare", "systemd-nspawn", "lxc-start", "firejail", "runc", "ch-run", "snap-confine",
    "run", "-", "--", "/", "..", "-M", "--machine", "-D", "--bind", "--name=", "--type=zygote",
    "/.flatpak-info", "[lxc monitor] a b", "Apptainer instance: a [b]", "Apptainer runtime parent",
])  # fmt: skip
PROCESSES = st.builds(
    Launcher, st.integers(), PROGRAMS | st.text(), st.lists(PROGRAMS | st.text()).map(tuple)
)


@given(st.lists(PROCESSES, max_size=4))
def test_any_command_line_is_survived(chain: list[Launcher]) -> None:
    match = recognise_launcher(chain)
    if match is not None:
        assert match.engine
        assert match.name is None or 0 < len(match.name) <= 255 + len("hook..")
