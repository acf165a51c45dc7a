"""The engines start what they say, and leave nothing behind."""

from __future__ import annotations

import os

import pytest
from support import engines
from support.requirements import missing
from support.run import Run
from support.traces import nothing_new, traces_of


def alive(container: engines.Started) -> bool:
    return bool(container.pid) and os.path.exists(f"/proc/{container.pid}/ns/mnt")


def outside_our_mount_namespace(container: engines.Started) -> bool:
    return os.stat(f"/proc/{container.pid}/ns/mnt") != os.stat("/proc/self/ns/mnt")


def test_docker(docker: engines.Docker) -> None:
    running = docker.start()
    host = docker.start("--pid=host", "--network=host", docker.cgroup_parent())
    paused = docker.pause(docker.start())
    stopped = docker.stop(docker.start())
    everything = [running, host, paused, stopped]
    listed = {one.id: one.status for one in docker.list()}
    assert [listed[one.id] for one in everything] == ["running", "running", "paused", "stopped"]
    assert all(alive(one) and outside_our_mount_namespace(one) for one in everything[:3])
    assert os.stat(f"/proc/{host.pid}/ns/pid") == os.stat("/proc/self/ns/pid")
    for one in everything:
        docker.remove(one)
    assert not {one.id for one in everything} & {one.id for one in docker.list()}


def test_podman(podman: engines.Podman) -> None:
    running = podman.start()
    stopped = podman.stop(podman.start())
    pod = podman.start_pod(2)
    assert {one.id for one in podman.list()} >= {one.id for one in (running, stopped, *pod)}
    assert [one.kind for one in pod] == ["pod", "container", "container"]
    assert len({one.pod for one in pod}) == 1
    assert len({os.stat(f"/proc/{one.pid}/ns/net").st_ino for one in pod}) == 1
    assert all(alive(one) and outside_our_mount_namespace(one) for one in (running, *pod))


def test_containerd(containerd: engines.Containerd) -> None:
    plain = containerd.start()
    sandbox, cart, database = pod = containerd.start_pod("cart", "db")
    assert [one.kind for one in pod] == ["pod", "container", "container"]
    assert len({os.stat(f"/proc/{one.pid}/ns/net").st_ino for one in pod}) == 1
    with open(f"/proc/{cart.pid}/cgroup") as file:
        assert f"/kubepods/burstable/pod{sandbox.pod}/{cart.id}" in file.read()
    assert all(map(alive, (plain, *pod)))
    assert not alive(containerd.stop(database, "k8s.io"))


def test_lxc(lxc: engines.Lxc) -> None:
    one = lxc.start()
    assert alive(one)
    with open(f"/proc/{one.pid}/cgroup") as file:
        assert f"lxc.payload.{one.name}" in file.read()


def test_nspawn(nspawn: engines.Nspawn) -> None:
    assert alive(nspawn.start())


def test_bubblewrap(bubblewrap: engines.Bubblewrap) -> None:
    assert alive(bubblewrap.start())
    assert alive(bubblewrap.start(rootfs=False))


@pytest.mark.parametrize("kind", engines.ENGINES)
def test_nothing_is_left(kind: type[engines.Engine]) -> None:
    with nothing_new():
        with Run() as run:
            try:
                one = kind(run)
            except engines.Missing as lack:
                missing(str(lack))
            container = one.start()
            if isinstance(one, engines.Podman):
                one.start_pod()
            assert alive(container)
        assert traces_of(run.name) == []
        assert not alive(container)
