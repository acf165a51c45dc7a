"""Every container of every engine is in the list, as its own engine describes it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import engines, processes
from support.engines import Started
from support.processes import wait_until

from nsview.host.host import Host
from nsview.host.model import Container, Snapshot


def look() -> Snapshot:
    return Host().snapshot(stopped=True)


def found(snapshot: Snapshot, expected: Started) -> Container:
    """The one container with that id and engine."""
    fits = [
        one for one in snapshot.containers if (one.engine, one.id) == (expected.engine, expected.id)
    ]
    assert len(fits) == 1, [one.ref for one in snapshot.containers]
    return fits[0]


def check(*everything: Started) -> Snapshot:
    """Compare nsview's list with what the engines say of their containers."""
    snapshot = look()
    for expected in everything:
        one = found(snapshot, expected)
        assert one.name == expected.name
        assert one.image == expected.image
        assert one.status == expected.status
        assert one.kind == expected.kind
        assert one.pid == expected.pid
        assert one.owner == expected.user
        assert (one.pod.uid if one.pod else None) == expected.pod
        assert list(one.members) == expected.members
        assert {snapshot.membership[pid] for pid in one.members} <= {one.ref}
        if expected.pid:
            ticks = int(
                Path(f"/proc/{expected.pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
            )
            assert one.start_time == ticks
    assert len({one.ref for one in snapshot.containers}) == len(snapshot.containers)
    return snapshot


def servants(run_name: str) -> list[int]:
    """Daemons, shims and monitors of a run: they serve containers and are members of none."""
    names = ("dockerd", "containerd", "containerd-shim", "conmon", "lxc-execute", "systemd-nspawn")
    pids = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{entry}/cmdline").read_bytes()
            comm = Path(f"/proc/{entry}/comm").read_text()
            status = Path(f"/proc/{entry}/status").read_text()
        except OSError:
            continue
        ours = os.fsencode(run_name) in command and comm.startswith(names)
        if ours and f"NSpid:\t{entry}\n" in status:  # what they forked inside is a member
            pids.append(int(entry))
    return pids


def command_of(pid: int) -> bytes:
    # What runc needs to start one in there ends at once.
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def test_docker(docker: engines.Docker) -> None:
    three = docker.start(command=("sh", "-c", "sleep 1000 & sleep 1000 & exec sleep 2000"))
    wait_until(lambda: len(three.members) == 3)
    snapshot = check(
        docker.start(),
        docker.start("--network=host", "--ipc=host", "--uts=host"),
        docker.start("--pid=host"),
        three,
        docker.start(docker.cgroup_parent("/some.thing")),
        docker.pause(docker.start()),
        docker.stop(docker.start()),
    )
    assert servants(docker.run.name)
    assert not snapshot.membership.keys() & set(servants(docker.run.name))


def test_docker_is_fully_listed(docker: engines.Docker) -> None:
    docker.start()
    mine = {one.id for one in look().containers if one.engine == "docker"}
    assert mine >= {one.id for one in docker.list()}


def test_what_is_shared_with_the_host(docker: engines.Docker) -> None:
    alone = docker.start()
    sharing = docker.start("--pid=host", "--network=host")
    snapshot = look()
    assert found(snapshot, alone).flags[:3] == "mnp"
    assert found(snapshot, sharing).flags[:3] == "m--"


def test_docker_exec_is_a_member(docker: engines.Docker) -> None:
    container = docker.start()
    docker.docker("exec", "--detach", container.id, "sleep", "4321")

    def executed() -> list[int]:
        return [pid for pid in found(look(), container).members if b"4321" in command_of(pid)]

    (pid,) = wait_until(executed)
    assert pid not in container.members  # its parent is the shim


def test_podman(podman: engines.Podman) -> None:
    snapshot = check(
        podman.start(),
        podman.start("--network=host", "--pid=host"),
        podman.pause(podman.start()),
        podman.stop(podman.start()),
        *podman.start_pod(2),
    )
    assert servants(podman.run.name)
    assert not snapshot.membership.keys() & set(servants(podman.run.name))


def test_rootless_podman(rootless_podman: engines.RootlessPodman) -> None:
    snapshot = check(
        rootless_podman.start(),
        rootless_podman.stop(rootless_podman.start()),
        *rootless_podman.start_pod(1),
    )
    # Its conmons are in the user and mount namespace that this user's podmans share: isolated.
    for pid in servants(rootless_podman.run.name):
        place = snapshot.container(snapshot.membership.get(pid, "host"))
        assert place is not None
        assert place.kind in ("host", "isolated")


def test_containerd(containerd: engines.Containerd) -> None:
    snapshot = check(
        containerd.start(),
        containerd.start(namespace="k8s.io"),
        containerd.start("--net-host"),
        containerd.stop(containerd.start()),
    )
    assert servants(containerd.run.name)
    assert not snapshot.membership.keys() & set(servants(containerd.run.name))


def test_a_long_id_that_is_a_name(containerd: engines.Containerd) -> None:
    check(containerd.start(ident=containerd.unique()))


def test_a_kubernetes_pod(containerd: engines.Containerd) -> None:
    sandbox, cart, database = pod = containerd.start_pod("cart", "db")
    snapshot = check(*pod)
    groups = {one.pod for one in (found(snapshot, each) for each in (sandbox, cart, database))}
    assert len(groups) == 1
    (group,) = groups
    assert group is not None
    assert (group.name, group.namespace) == (sandbox.name, "shop")


def test_the_same_names_in_two_engines(docker: engines.Docker, podman: engines.Podman) -> None:
    name = f"{docker.run.name}-twin"
    docker.docker("run", "--pull=never", "-d", "--network=none", "--name", name, docker.image)
    podman.podman("run", "--pull=never", "-d", "--network=none", "--name", name, podman.image)
    refs = {one.ref for one in look().containers if one.name == name}
    assert refs == {f"docker/{name}", f"podman/{name}"}


def test_lxc(lxc: engines.Lxc) -> None:
    snapshot = check(lxc.start())
    assert not snapshot.membership.keys() & set(servants(lxc.run.name))


def test_nspawn(nspawn: engines.Nspawn) -> None:
    snapshot = check(nspawn.start())
    assert not snapshot.membership.keys() & set(servants(nspawn.run.name))


@pytest.mark.parametrize("rootfs", [True, False])
def test_bubblewrap(bubblewrap: engines.Bubblewrap, rootfs: bool) -> None:
    expected = bubblewrap.start(rootfs=rootfs)
    snapshot = look()
    (one,) = [one for one in snapshot.containers if one.pid == expected.pid]
    assert one.engine == "bubblewrap"
    assert list(one.members) == expected.members


def test_unshare() -> None:
    with processes.sandbox("--pid", "--mount-proc") as pid, processes.sandbox("--net") as lone:
        snapshot = look()
        (inside,) = [one for one in snapshot.containers if pid in one.members]
        (isolated,) = [one for one in snapshot.containers if lone in one.members]
        assert (inside.engine, inside.kind, inside.pid) == ("unshare", "container", pid)
        assert isolated.kind == "isolated"


def test_a_joined_process_is_a_member(docker: engines.Docker) -> None:
    container = docker.start()
    assert container.pid
    with processes.joined_by_setns(container.pid, "--pid", "--mount", "--net") as joined:
        assert joined in found(look(), container).members


def test_the_command_says_the_same(docker: engines.Docker) -> None:
    expected = docker.start()
    text = subprocess.check_output(
        [sys.executable, "-m", "nsview", "ls", "--all", "--json"], timeout=60
    )
    (row,) = [one for one in json.loads(text)["containers"] if one["id"] == expected.id]
    assert (row["engine"], row["name"], row["pid"]) == ("docker", expected.name, expected.pid)
    assert row["rootfs"]["type"] == "overlay"


def test_gone_when_killed(docker: engines.Docker) -> None:
    container = docker.start()
    assert container.pid
    assert found(look(), container).status == "running"
    os.kill(container.pid, signal.SIGKILL)
    wait_until(lambda: found(look(), container).status == "stopped")
    docker.remove(container)
    assert container.id not in {one.id for one in look().containers}
