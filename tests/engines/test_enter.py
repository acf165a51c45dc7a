"""`nsview enter` beside each engine's own exec: the same process, as the kernel describes it."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

import pytest
from support import engines
from support.command import nsview
from support.user import command_for_users, run_as

_LOOK = (
    "/bin/sh",
    "-c",
    "cat /proc/self/status; echo @; for k in mnt net pid uts ipc user cgroup time;"
    " do ls -l /proc/self/ns/$k; done; echo @; cat /proc/self/cgroup; echo @;"
    " cat /proc/self/limits; echo @; cat /proc/self/oom_score_adj;"
    " ls -l /proc/self/root /proc/self/cwd; cat /proc/self/attr/current 2>/dev/null; echo @; id",
)
#: What a process is, as opposed to which it is.
_SAME = ("Umask", "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
         "NoNewPrivs", "Seccomp", "Seccomp_filters")  # fmt: skip


def described(text: str) -> dict[str, object]:
    """What `_LOOK` printed, without what differs between any two processes."""
    status, namespaces, cgroup, limits, place, who = text.split("@\n")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return {
        **{name: fields.get(name) for name in _SAME},
        "ns": re.findall(r"\w+:\[\d+\]", namespaces),
        "cgroup": cgroup,
        "limits": limits,
        "place": re.findall(r"-> .*|^[^l].*$", place, re.MULTILINE),
        "id": who,
    }


def entered(container: engines.Started, *flags: str) -> dict[str, object]:
    """How `nsview enter` comes to be in there."""
    done = nsview("enter", f"pid:{container.pid}", *flags, "--", *_LOOK)
    assert done.status == 0, done.err
    return described(done.out.decode())


def compare(
    ours: dict[str, object], theirs: dict[str, object], but: frozenset[str] = frozenset()
) -> None:
    different = {name for name, value in ours.items() if theirs[name] != value} - but
    assert {name: ours[name] for name in different} == {name: theirs[name] for name in different}


#: podman exec does not give the supplementary groups that the same podman gave the container's own
#: process with ``--user``; we do.
_GROUPS = frozenset({"Groups", "id"})


def groups_of(pid: int | None) -> str:
    return Path(f"/proc/{pid}/status").read_text().split("Groups:\t")[1].splitlines()[0]


_FLAGS = [
    (),
    ("--privileged",),
    ("--user", "1000:50"),
    ("--user", "1000", "--group-add", "77"),
    ("--read-only",),
    ("--pid=host",),
    ("--network=host",),
    ("--cap-drop", "ALL", "--cap-add", "CHOWN"),
    ("--security-opt", "no-new-privileges"),
    ("--security-opt", "seccomp=unconfined"),
    ("--ulimit", "nofile=100:200", "--oom-score-adj", "500"),
    ("--workdir", "/d"),
    ("--env", "LD_PRELOAD=/evil.so", "--env", "A=two words"),
]


@pytest.mark.parametrize("flags", _FLAGS, ids=" ".join)
def test_docker(docker: engines.Docker, flags: tuple[str, ...]) -> None:
    if "--privileged" in flags and not _has_every_capability():
        pytest.skip("root has not every capability here: docker cannot give them either")
    one = docker.start(*flags)
    try:
        theirs = described(docker.docker("exec", one.id, *_LOOK) + "\n")
        # runc's exec may lose the race for the soft limit of files to Go's runtime, which raises
        # it (opencontainers/runc#4195): what the container has is what counts.
        theirs["limits"] = Path(f"/proc/{one.pid}/limits").read_text()
        compare(entered(one), theirs)
    finally:
        docker.remove(one)


@pytest.mark.parametrize("user", ["0", "root", "1000", "1000:50", "33:0"])
def test_docker_exec_user(docker: engines.Docker, user: str) -> None:
    one = docker.start()
    theirs = described(docker.docker("exec", "--user", user, one.id, *_LOOK) + "\n")
    compare(entered(one, "--user", user), theirs)
    docker.remove(one)


def _has_every_capability() -> bool:
    status = Path("/proc/self/status").read_text()
    bounding = int(status.split("CapBnd:")[1].split()[0], 16)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return bounding == (1 << last + 1) - 1


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--user", "1000:50"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--pid=host",),
        ("--uidmap", "0:100000:65536"),
        ("--read-only", "--workdir", "/d"),
    ],
    ids=" ".join,
)
def test_podman(podman: engines.Podman, flags: tuple[str, ...]) -> None:
    one = podman.start(*flags)
    try:
        ours = entered(one)
        theirs = described(podman.podman("exec", one.id, *_LOOK) + "\n")
        compare(ours, theirs, but=_GROUPS if "--user" in flags else frozenset())
        if "--uidmap" not in flags:
            assert ours["Groups"] == groups_of(one.pid)
    finally:
        podman.remove(one)


@pytest.mark.parametrize("flags", [(), ("--user", "1000")], ids=" ".join)
def test_rootless_podman(rootless_podman: engines.RootlessPodman, flags: tuple[str, ...]) -> None:
    one = rootless_podman.start(*flags)
    theirs = described(rootless_podman.podman("exec", one.id, *_LOOK) + "\n")
    compare(entered(one), theirs, but=_GROUPS if flags else frozenset())


#: A filter is copied, and control groups are joined, by root alone.
_ROOTS = frozenset({"Seccomp", "Seccomp_filters", "cgroup"})


@pytest.mark.parametrize("flags", [(), ("--user", "1000")], ids=" ".join)
def test_rootless_podman_by_its_user(
    rootless_podman: engines.RootlessPodman, flags: tuple[str, ...]
) -> None:
    one = rootless_podman.start(*flags)
    theirs = described(rootless_podman.podman("exec", one.id, *_LOOK) + "\n")
    gid = pwd.getpwuid(rootless_podman.user).pw_gid
    words = (*command_for_users(), "enter", f"pid:{one.pid}", "--", *_LOOK)
    done = run_as(rootless_podman.user, gid, {}, *words)
    assert done.returncode == 0, done.stderr
    assert "not taken over: seccomp filter" in done.stderr
    compare(described(done.stdout), theirs, but=_ROOTS | (_GROUPS if flags else frozenset()))


def test_containerd(containerd: engines.Containerd) -> None:
    one = containerd.start("--privileged") if _has_every_capability() else containerd.start()
    words = ("tasks", "exec", "--exec-id", "look", "--fifo-dir", f"{containerd.directory}/fifo")
    theirs = described(containerd.ctr("default", *words, one.id, *_LOOK) + "\n")
    compare(entered(one), theirs)


@pytest.mark.parametrize("kind", ["lxc", "nspawn", "bubblewrap"])
def test_beside_its_first_process(kind: str, request: pytest.FixtureRequest) -> None:
    """Engines that have no exec, or one that does less: what the first process is."""
    one = request.getfixturevalue(kind).start()
    ours = entered(one)
    theirs = described_outside(one.pid)
    compare({name: ours[name] for name in theirs}, theirs)


def described_outside(pid: int) -> dict[str, object]:
    """As far as the host can tell; ids and groups are numbers of another user namespace there."""
    here = Path(f"/proc/{pid}")
    fields = dict(
        line.split(":\t", 1) for line in (here / "status").read_text().splitlines() if ":\t" in line
    )
    kinds = ("mnt", "net", "pid", "uts", "ipc", "user", "cgroup", "time")
    names = ("Umask", "CapInh", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters")
    return {
        **{name: fields.get(name) for name in names},
        "ns": [os.readlink(here / "ns" / kind) for kind in kinds],
        "limits": (here / "limits").read_text(),
    }


def test_a_paused_container_is_refused(docker: engines.Docker) -> None:
    one = docker.pause(docker.start())
    done = nsview("enter", one.name, "--", "/bin/true")
    assert done.status == 125
    assert "paused" in done.err


def test_a_stopped_container_is_none_to_enter(docker: engines.Docker) -> None:
    one = docker.stop(docker.start())
    assert nsview("enter", one.name, "--", "/bin/true").status == 3


def test_no_trace_is_left(docker: engines.Docker) -> None:
    one = docker.start()
    mounts = Path(f"/proc/{one.pid}/mountinfo").read_text()
    changed = docker.docker("diff", one.id)
    for words in (
        ("--", "/bin/sh", "-c", "sleep 0 & exit 3"),
        ("--toolbox", "busybox", "--", "ls", "/"),
        ("--privileged", "--", "/bin/id"),
        ("--user", "5:5", "--", "/bin/id"),
        ("--ns", "net", "--", "true"),
        ("--", "no-such-program"),
    ):
        assert nsview("enter", one.name, *words).status in (0, 3, 127)
    assert Path(f"/proc/{one.pid}/mountinfo").read_text() == mounts
    assert docker.docker("diff", one.id) == changed
    assert len(docker.docker("top", one.id).splitlines()) == 2  # the title, and its own process
    docker.remove(one)
