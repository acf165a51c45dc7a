r"""Cgroup paths of every engine, as people met them.

Most paths come from the tests of other projects that read cgroups; each row names its runtime and
its source:

T  cilium/tetragon pkg/sensors/exec/procevents/proc_test.go
F  falcosecurity/plugins plugins/container/test/matchers.cpp
C  coroot/coroot-node-agent cgroup/cgroup_test.go
A  google/cadvisor container/crio/factory_test.go, container/containerd
O  open-telemetry/opentelemetry-ebpf-instrumentation container_test.go
D  DataDog/datadog-agent pkg/util/cgroups, DataDog/dd-trace-py tests/tracer/runtime
N  netdata/netdata cgroups.plugin/cgroup-name.sh.in
S  canonical/snapd sandbox/cgroup/scanning_test.go
L  read off a running container: docker 20.10, podman 4.3, containerd 1.6, LXC 5.0, nspawn 252
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nsview.engines import containerd
from nsview.engines.base import Match
from nsview.engines.recognise import _WORDS, recognise
from nsview.engines.systemd import unescape, unit_of

ID = "7951fb549ab99e0722a949b6c121634e1f3a36b5bacbe5392991e3b12251e6b8"
INNER = "40c03570b6f4c30bc8d69923d37ee698f5cfcced92c7b7df1c47f6f7887378a9"
POD = "44c76ce5-f953-4bd3-bc89-12621681af49"
STATIC = "9729a196c4723b60ab401eaff722982d"
PODMAN_POD = "aed1dcce39a52379aaa25179323c2597863a7a9bc9a974950c58d6b5ea4f04e7"
RANDOM = "d854bd35-2457-4ac8-b494-06061d74df33"
BUILD = "5cf82fwiumld3vcs5d5l5pzyv"
TASK = "5a0d5ceddf6c44c1928d367a815d890f"
USER_MANAGER = "/user.slice/user-1000.slice/user@1000.service"
POD_SLICE = f"kubepods-besteffort-pod{POD.replace('-', '_')}.slice"
IN_POD = f"/kubepods.slice/kubepods-besteffort.slice/{POD_SLICE}"
KIND_POD = f"kubelet.slice/kubelet-kubepods.slice/kubelet-{POD_SLICE}"
CEPH = "/system.slice/system-ceph.slice/ceph-f952f5be@mon.ip-10-0-25-96.service"


def one(path: str, engine: str, container: str, tail: str = "", **more: Any) -> Any:
    """A path whose only match ends before `tail`."""
    match = Match(engine=engine, id=container, path=path, **more)
    return pytest.param(path + tail, (match,), id=f"{engine}:{path}{tail}"[:120])


def nested(*steps: Match) -> Any:
    """Matches within each other; each `path` of a step is relative to the step before."""
    path = ""
    matches = []
    for step in steps:
        path += step.path
        matches.append(step._replace(path=path))
    return pytest.param(path, tuple(matches), id=f"nested:{path}"[:120])


CONTAINERS = [
    # docker, cgroupfs driver: T L C D F
    one(f"/docker/{ID}", "docker", ID),
    one(f"/actions_job/{ID}", "docker", ID),
    one(f"/some/where/{ID}", "docker", ID),
    one(f"/{ID}", "docker", ID),
    one(f"/system.slice/containerd.service/cpuset/{ID}", "docker", ID),
    # docker, systemd driver: T F
    one(f"/system.slice/docker-{ID}.scope", "docker", ID),
    one(f"/docker.slice/docker-{ID}.scope", "docker", ID),
    one(f"{USER_MANAGER}/user.slice/docker-{ID}.scope", "docker", ID, user=1000),
    one(f"/nomad.slice/docker-{ID}.scope", "docker", ID),
    one(f"/ecstasks.slice/ecstasks-{TASK}.slice/docker-{ID}.scope", "docker", ID),
    # docker with systemd inside (minikube, kind): T
    one(f"/system.slice/docker-{ID}.scope", "docker", ID, "/init.scope"),
    one(f"/system.slice/docker-{ID}.scope", "docker", ID, "/system.slice/containerd.service"),
    one(f"/system.slice/docker-{ID}.scope", "docker", ID, "/system.slice/kubelet.service"),
    # docker in Kubernetes: T C
    one(f"{IN_POD}/docker-{ID}.scope", "docker", ID, pod_uid=POD),
    # docker, seen from inside a private cgroup namespace: O
    one(f"/../{ID}", "docker", ID),
    # buildkit: cryptnono/cryptnono#47
    one(f"/docker/buildkit/{BUILD}", "buildkit", BUILD),
    one(f"/buildkit/{BUILD}", "buildkit", BUILD),
    one(f"/system.slice/docker-{BUILD}.scope", "buildkit", BUILD),
    # podman, root: T F
    one(f"/machine.slice/libpod-{ID}.scope", "podman", ID),
    one(f"/machine.slice/libpod-{ID}.scope", "podman", ID, "/container"),
    one(f"/libpod_parent/libpod-{ID}", "podman", ID),
    one(f"/system.slice/libpod-{ID}", "podman", ID),
    # podman, rootless: T F
    one(f"{USER_MANAGER}/user.slice/libpod-{ID}.scope", "podman", ID, "/container", user=1000),
    one(f"{USER_MANAGER}/libpod-{ID}", "podman", ID, user=1000),
    # podman, --cgroups=split (quadlet, ceph): F
    one(f"{CEPH}/libpod-payload-{ID}", "podman", ID),
    one(f"{CEPH}/libpod-payload-{ID}.scope", "podman", ID, "/container"),
    # podman, pods
    one(
        f"/machine.slice/machine-libpod_pod_{PODMAN_POD}.slice/libpod-{ID}.scope",
        "podman",
        ID,
        pod_uid=PODMAN_POD,
    ),
    one(
        f"{USER_MANAGER}/user.slice/user-libpod_pod_{PODMAN_POD}.slice/libpod-{ID}.scope",
        "podman",
        ID,
        pod_uid=PODMAN_POD,
        user=1000,
    ),
    one(f"/libpod_parent/{PODMAN_POD}/libpod-{ID}", "podman", ID, pod_uid=PODMAN_POD),  # L
    # podman, monitors: T
    one(f"/machine.slice/libpod-conmon-{ID}.scope", "podman", ID, monitor=True),
    # cri-o: A C F
    one(f"{IN_POD}/crio-{ID}.scope", "crio", ID, pod_uid=POD),
    one(f"{IN_POD}/crio-{ID}.scope", "crio", ID, "/container", pod_uid=POD),
    one(f"/kubepods/besteffort/pod{POD}/crio-{ID}", "crio", ID, pod_uid=POD),
    one(f"/kubepods/pod{POD}/crio-conmon-{ID}", "crio", ID, pod_uid=POD, monitor=True),
    one(f"{IN_POD}/crio-conmon-{ID}.scope", "crio", ID, pod_uid=POD, monitor=True),
    # containerd, CRI, systemd: T O C
    one(
        f"{IN_POD}/cri-containerd-{ID}.scope",
        "containerd",
        ID,
        namespace="k8s.io",
        pod_uid=POD,
    ),
    one(
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{STATIC}.slice"
        f"/cri-containerd-{ID}",
        "containerd",
        ID,
        namespace="k8s.io",
        pod_uid=STATIC,
    ),
    one(
        f"/kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice/cri-containerd-{ID}.scope",
        "containerd",
        ID,
        namespace="k8s.io",
        pod_uid=POD,
    ),
    one(f"/../cri-containerd-{ID}.scope", "containerd", ID, namespace="k8s.io"),
    # containerd, CRI, the two drivers mixed up: C F T
    one(
        f"/system.slice/containerd.service/{POD_SLICE}:cri-containerd:{ID}",
        "containerd",
        ID,
        namespace="k8s.io",
        pod_uid=POD,
    ),
    one(
        f"/kubepods-burstable-pod{STATIC}.slice:cri-containerd:{ID}",
        "containerd",
        ID,
        namespace="k8s.io",
        pod_uid=STATIC,
    ),
    # Kubernetes, cgroupfs, runtime unknown: T F C O D
    one(f"/kubepods/besteffort/pod{POD}/{ID}", "kubernetes", ID, pod_uid=POD),
    one(f"/kubepods/pod{POD}/{ID}", "kubernetes", ID, pod_uid=POD),
    one(f"/kubepods/test/pod{POD}/{ID}", "kubernetes", ID, pod_uid=POD),
    one(f"/kubepods/burstable/pod{STATIC}/{ID}", "kubernetes", ID, pod_uid=STATIC),
    one(f"/kubepods/besteffort/pod{POD}/{ID}", "kubernetes", ID, "/kube-proxy", pod_uid=POD),
    one(f"/../../pod{STATIC}/{ID}", "kubernetes", ID, pod_uid=STATIC),
    # ctr, nerdctl: F L O
    one(f"/k8s.io/{ID}", "containerd", ID, namespace="k8s.io"),
    one("/k8s.io/c1", "containerd", "c1", namespace="k8s.io"),
    one("/k8s.io/my-test_container", "containerd", "my-test_container", namespace="k8s.io"),
    one("/default/test_container", "containerd", "test_container", namespace="default"),
    one("/default/c1", "containerd", "c1", namespace="default"),
    one("/default/a", "containerd", "a", "/below", namespace="default"),
    one("/default/service.container", "containerd", "service.container", namespace="default"),
    one(f"/system.slice/nerdctl-{ID}.scope", "containerd", ID),
    # Amazon ECS, Fargate 1.3, Fargate 1.4: D
    one(f"/ecs/test-ecs-classic/{TASK}/{ID}", "ecs", ID),
    one(f"/ecs/55091c13-b8cf-4801-b527-f4601742204d/{ID}", "ecs", ID),
    one(f"/ecs/{TASK}/{TASK}-2532839302", "ecs", f"{TASK}-2532839302"),
    # Cloud Foundry's Garden, Concourse, BPM: D F
    one(
        "/system.slice/garden.service/garden/6f265890-5165-7fab-6b52-18d1",
        "garden",
        "6f265890-5165-7fab-6b52-18d1",
    ),
    one(f"/garden/{RANDOM}", "garden", RANDOM),
    one(
        "/garden/good/2f57368b-0eda-4e52-64d8-af5c-liveness-healthcheck-0",
        "garden",
        "2f57368b-0eda-4e52-64d8-af5c-liveness-healthcheck-0",
    ),
    one("/system.slice/runc-bpm-garden.scope", "garden", "bpm-garden", name="garden"),
    # LXC, Incus, LXD: F C L
    one("/lxc/mysql-primary-db", "lxc", "mysql-primary-db", name="mysql-primary-db"),
    one("/lxc.payload/c1", "lxc", "c1", "/system.slice/cron.service", name="c1"),
    one("/lxc.payload.web_c1", "lxc", "web_c1", name="web_c1"),
    one("/lxc.payload.my.box", "lxc", "my.box", "/init.scope", name="my.box"),
    one("/lxc.monitor.c1", "lxc", "c1", name="c1", monitor=True),
    one("/lxc.monitor/c1", "lxc", "c1", name="c1", monitor=True),
    # Proxmox: N
    one("/lxc/101", "lxc", "101", "/ns/init.scope", name="101"),
    # libvirt-lxc: N F
    one(r"/machine.slice/machine-lxc\x2d969\x2dhub01.scope", "libvirt", "hub01", name="hub01"),
    one(
        r"/machine.slice/machine-lxc\x2d969\x2dmy\x2dbox.scope",
        "libvirt",
        "my-box",
        "/libvirt/init.scope",
        name="my-box",
    ),
    one("/machine/web.libvirt-lxc", "libvirt", "web", name="web"),
    one("/libvirt/lxc/web", "libvirt", "web", name="web"),
    # systemd-nspawn, machined: N L
    one("/machine.slice/machine-web.scope", "nspawn", "web", name="web"),
    one(r"/machine.slice/machine-my\x2dbox.scope", "nspawn", "my-box", "/payload", name="my-box"),
    one(r"/machine.slice/machine-caf\xc3\xa9.scope", "nspawn", "café", name="café"),
    one(r"/machine.slice/machine-lxc\x2dweb.scope", "nspawn", "lxc-web", name="lxc-web"),
    one(
        "/machine.slice/systemd-nspawn@debian.service",
        "nspawn",
        "debian",
        "/payload/system.slice/ssh.service",
        name="debian",
    ),
    # Nomad
    one(f"/nomad.slice/share.slice/{RANDOM}.web.scope", "nomad", f"{RANDOM}.web", name="web"),
    one(f"/nomad/{RANDOM}.start", "nomad", f"{RANDOM}.start", name="start"),
    # snap: S
    one("/a/b/snap.foo.foo.service", "snap", "snap.foo.foo", name="foo"),
    one("/a/b/snap.foo.bar.service", "snap", "snap.foo.bar", name="foo.bar"),
    one("/a/b/snap.foo.bar.$RANDOM.scope", "snap", "snap.foo.bar", name="foo.bar"),
    one("/a/snap.foo.hook.bar.$RANDOM.scope", "snap", "snap.foo.hook.bar", name="foo.hook.bar"),
    one(
        f"/snap.test-snapd-refresh.sh.{RANDOM}.scope",
        "snap",
        "snap.test-snapd-refresh.sh",
        name="test-snapd-refresh.sh",
    ),
    one(
        f"/snap.test-snapd-refresh.hook.configure.{RANDOM}.scope",
        "snap",
        "snap.test-snapd-refresh.hook.configure",
        name="test-snapd-refresh.hook.configure",
    ),
    one(
        "/system.slice/snap.pkg_prod.daemon.service",
        "snap",
        "snap.pkg_prod.daemon",
        name="pkg_prod.daemon",
    ),
    one(
        f"{USER_MANAGER}/app.slice/snap.firefox.firefox-{RANDOM}.scope",
        "snap",
        "snap.firefox.firefox",
        name="firefox",
        user=1000,
    ),
    # flatpak
    one(
        f"{USER_MANAGER}/app.slice/app-flatpak-org.mozilla.firefox-4711.scope",
        "flatpak",
        "org.mozilla.firefox-4711",
        name="org.mozilla.firefox",
        user=1000,
    ),
    one(
        rf"{USER_MANAGER}/app.slice/app-flatpak-org.my\x2dapp-4711.scope",
        "flatpak",
        "org.my-app-4711",
        name="org.my-app",
        user=1000,
    ),
    # minikube, kind, docker in docker: T O
    nested(
        Match(engine="docker", id=ID, path=f"/system.slice/docker-{ID}.scope"),
        Match(engine="docker", id=INNER, pod_uid=POD, path=f"{IN_POD}/docker-{INNER}.scope"),
    ),
    nested(
        Match(engine="docker", id=ID, path=f"/system.slice/docker-{ID}.scope"),
        Match(
            engine="kubernetes", id=INNER, pod_uid=POD, path=f"/kubelet/kubepods/pod{POD}/{INNER}"
        ),
    ),
    nested(
        Match(engine="docker", id=ID, path=f"/docker/{ID}"),
        Match(
            engine="containerd",
            id=INNER,
            namespace="k8s.io",
            pod_uid=POD,
            path=f"/{KIND_POD}/cri-containerd-{INNER}.scope",
        ),
    ),
    nested(
        Match(engine="docker", id=ID, path=f"/docker/{ID}"),
        Match(engine="docker", id=INNER, path=f"/docker/{INNER}"),
    ),
    nested(
        Match(engine="lxc", id="c1", name="c1", path="/lxc.payload.c1"),
        Match(engine="podman", id=ID, path=f"/machine.slice/libpod-{ID}.scope"),
    ),
    # Users of the container are not the host's.
    nested(
        Match(engine="lxc", id="c1", name="c1", path="/lxc.payload.c1"),
        Match(engine="podman", id=ID, path=f"{USER_MANAGER}/user.slice/libpod-{ID}.scope"),
    ),
    # nspawn's own process beside the machine
    nested(
        Match(engine="nspawn", id="web", name="web", path="/machine.slice/machine-web.scope"),
        Match(engine="nspawn", id="web", name="web", monitor=True, path="/supervisor"),
    ),
]

NO_CONTAINERS = [
    "",
    "/",
    "//",
    "/..",
    "/../..",
    # systemd: T F C D O
    "/init.scope",
    "/system.slice/docker.service",
    "/system.slice/containerd.service",
    "/user.slice/user-963461.slice/session-11909.scope",
    f"{USER_MANAGER}/init.scope",
    r"/system.slice/system-serial\x2dgetty.slice",
    r"/system.slice/system-systemd\x2dcoredump.slice",
    "/runtime.slice/kubelet.service",
    "/system.slice/system-postgresql.slice/postgresql@9.4-main.service",
    "/machine.slice",
    # Talos' own services: C
    "/podruntime/runtime",
    "/podruntime/kubelet",
    "/system/dashboard",
    "/init",
    # 64 digits, no more, no fewer, nothing else: F D
    f"/docker/{ID[:-1]}",
    f"/docker/{ID}0",
    f"/docker/{ID[:-1]}g",
    f"/docker/{ID[:-1]}G",
    f"/docker/{ID.upper()}",
    f"/docker/{ID}\n",
    f"{USER_MANAGER}/libpod-{ID * 3}"[:260],
    f"{USER_MANAGER}/libpod-{ID[:-1]}g",
    f"/system.slice/docker-{ID}.scope.d",
    f"/system.slice/docker-{ID}.service",
    # mount units: A
    f"/kubepods/pod{POD}/crio-{ID}.mount",
    rf"/system.slice/run-containerd-io.containerd.runtime.v2.task-k8s.io-{ID}-rootfs.mount",
    f"/system.slice/docker-{ID}.mount",
    f"/{ID}.mount",
    # cri-o: A
    f"/kubepods/pod{POD}/no-crio-conmon-{ID}",
    f"/kubepods/pod{POD}/crio-{ID[:62]}",
    # pods alone, and what only looks like one
    f"/kubepods/besteffort/pod{POD}",
    IN_POD,
    "/kubepods.slice/kubepods-besteffort.slice",
    # podman: the monitor that names nobody, and pods: T
    "/libpod_parent/conmon",
    f"{CEPH}/supervisor",
    f"/libpod_parent/{PODMAN_POD}",
    f"/libpod_parent/{PODMAN_POD}/conmon",  # L
    f"/machine.slice/machine-libpod_pod_{PODMAN_POD}.slice",
    # Kata's host side
    f"/kata_overhead/{ID}",
    # two words are no containerd container, a unit is none in any namespace: F
    "/foo/bar",
    "/my_very_long_namespace-1.5/test_container",
    "/default/some_short_id.service",
    "/default/some_short_id.slice",
    "/default/some_short_id.scope",
    "/default/.service",
    "/default/-a",
    "/default/" + "a" * 77,
    "/default",
    "/system.slice/default/a",
    # virtual machines: F N
    r"/machine.slice/machine-qemu\x2d1\x2dopnsense.scope",
    r"/machine.slice/machine-qemu\x2d1\x2dopnsense.scope/libvirt/emulator",
    "/machine/web.libvirt-qemu",
    "/qemu.slice/100.scope",
    # runc without an engine, cgroupfs: L
    "/box",
    # nspawn without a unit: L
    "/payload",
    "/supervisor",
    # LXC
    "/lxc",
    "/lxc.payload.",
    "/lxc.pivot",
    "/lxcfs/x",
    # snap: S
    "/a/b/snap.service",
    "/a/b/snapd.service",
    "/a/b/snap.foo.mount",
    "/snap..service",
    "/snap..scope",
    "/snap.*.service",
    "/snap.*.scope",
    "/snap-spotify-35.mount",
    "/machine.slice/snap.foo.bar.service",
    "/docker/snap.foo.bar.service",
    # UUIDs that nothing vouches for
    f"/{RANDOM}",
    f"/firecracker/{RANDOM}",
    f"/{RANDOM}.web.scope",
    # others
    "/ecs",
    f"/ecs/{TASK}",
    f"/docker/buildkit/{BUILD}x",
    f"{USER_MANAGER}/app.slice/app-gnome-org.mozilla.firefox-4711.scope",
]


@pytest.mark.parametrize(("path", "expected"), CONTAINERS)
def test_a_path_names_its_containers(path: str, expected: tuple[Match, ...]) -> None:
    assert recognise(path) == expected


@pytest.mark.parametrize("path", NO_CONTAINERS)
def test_a_path_names_no_container(path: str) -> None:
    assert recognise(path) == ()


def test_a_snap_inside_a_container_is_the_containers() -> None:
    path = "/lxc.payload.box/system.slice/snap.foo.bar.service"
    assert [match.engine for match in recognise(path)] == ["lxc"]


def test_the_kernels_mark_of_a_removed_cgroup_is_no_part_of_the_path() -> None:
    (match,) = recognise(f"/docker/{ID} (deleted)")
    assert (match.id, match.path) == (ID, f"/docker/{ID}")


def test_a_free_containerd_name_is_a_candidate_that_records_may_confirm() -> None:
    assert containerd.candidate("/my-ns_1.5/web/below") == Match(
        engine="containerd", id="web", namespace="my-ns_1.5", path="/my-ns_1.5/web"
    )
    for path in ("", "/", "/a", "a/b", "/a/", "/system.slice/a", "/a/b.scope", "/../b", "/a/.."):
        assert containerd.candidate(path) is None, path


def test_the_deepest_path_takes_no_longer_than_its_length() -> None:
    def steps(path: str) -> int:
        """How many lines are run; they take as long wherever they are."""
        count = 0

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal count
            count += 1
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            recognise(path)
        finally:
            sys.settrace(before)
        return count

    recognise("/000")  # loads the engines
    # PATH_MAX is 4096. Looking back from every component would make it a hundred times as long.
    assert steps("/001" + "/a" * 2000) < 15 * steps("/002" + "/a" * 200)


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/system.slice/ssh.service", "ssh.service"),
        ("/system.slice/docker.service/below/it", "docker.service"),
        (f"{USER_MANAGER}/app.slice/foo.service", "foo.service"),
        (f"{USER_MANAGER}/init.scope", "user@1000.service"),
        ("/init.scope", "init.scope"),
        (r"/system.slice/dev\x2dx.service", r"dev\x2dx.service"),
        ("/system.slice/_cpu.service", "cpu.service"),
        ("/user.slice/user-1.slice/session-3.scope", "session-3.scope"),
        ("/system.slice", None),
        ("/a/.service", None),
        ("/", None),
        ("", None),
    ],
)
def test_unit_of_is_the_innermost_unit(path: str, unit: str | None) -> None:
    assert unit_of(path) == unit


def test_unescape_decodes_bytes_and_leaves_everything_else() -> None:
    assert unescape(r"a\x2db-c\xc3\xa9\xff\x2") == "a-b-cé\udcff\\x2"


WORDS = st.sampled_from([
    "docker", "lxc", "libpod_parent", "ecs", "garden", "default", "supervisor", "buildkit", "..",
    "nomad.slice", "machine-a.scope", "user-1.slice", "snap.a.b.service", "app-flatpak-a-1.scope",
    ID, f"libpod-{ID}.scope", f"pod{POD}", POD_SLICE, RANDOM, f"{RANDOM}.t.scope", "a.libvirt-lxc",
    f"cri-containerd-{ID}.scope", f"nerdctl-{ID}.scope", f"a.slice:crio:{ID}", f"nsview/{TASK}",
    f"docker-{BUILD}.scope", "systemd-nspawn@a.service", "bpm-a.scope", "libvirt", "moby", BUILD,
])  # fmt: skip
PATHS = st.text() | st.lists(WORDS | st.text(max_size=4)).map(lambda words: "/" + "/".join(words))


@given(PATHS)
@example("\ud800/\\xff.scope")
@example("/machine-\ud800\\x00.scope")
def test_any_path_gives_matches_that_are_prefixes_of_it(path: str) -> None:
    matches = recognise(path)
    lengths = [len(match.path) for match in matches]
    assert lengths == sorted(set(lengths))
    for match in matches:
        assert match.engine
        assert match.id
        assert path == match.path or path.startswith((match.path + "/", match.path + " (deleted)"))


@given(PATHS | st.sampled_from([param.values[0] for param in CONTAINERS]))
def test_an_engine_that_is_not_asked_would_know_nothing(path: str) -> None:
    components = tuple(path.removeprefix("/").split("/"))
    for engine, words in _WORDS.items():
        if not any(word in path for word in words):
            ask = import_module(f"nsview.engines.{engine}").recognise
            assert not any(ask(components, index) for index in range(len(components)))


@given(PATHS)
def test_other_readers_of_paths_take_any_text(path: str) -> None:
    unit = unit_of(path)
    assert unit is None or unit.endswith((".service", ".scope"))
    unescape(path)
    found = containerd.candidate(path)
    assert found is None or (found.id and path.startswith(found.path))
