"""Real engines, each with a daemon (where it has one), files and names of its own.

None of them touches the host's own engines: sockets, pid files, roots and locks are below the
directory of a `Run`, containers have no network but their own loopback, and when the run ends the
reaper removes everything. The host's bridges, firewall and sysctls are never asked for anything.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support import images, reaper
from support.processes import descendants, running, wait_until
from support.run import Run


class Missing(Exception):  # noqa: N818 - the condition, not a fault
    """This machine cannot run that engine; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """A container as its engine describes it: what nsview has to find out by itself."""

    engine: str
    id: str
    name: str
    pid: int | None = None
    """Host PID of its first process; None when it is stopped."""
    status: str = "running"
    image: str | None = None
    pod: str | None = None
    """Uid of its pod (podman: the pod's id)."""
    kind: str = "container"
    user: int = 0
    """Whose engine it is."""

    @property
    def members(self) -> list[int]:
        """Host PIDs of its first process and of all below it."""
        return sorted(descendants(self.pid)) if self.pid else []


class Engine:
    """What all have in common: a run, programs that must be there, and unique names."""

    name = ""
    programs: tuple[str, ...] = ()

    def __init__(self, run: Run) -> None:
        if os.geteuid():
            raise Missing("needs root")
        self.run = run
        self.directory = run.directory
        for program in (*self.programs, images.BUSYBOX):
            if not run.find(program):
                raise Missing(f"{program} is not installed")
        self._numbers = itertools.count(1)
        self.prepare()

    def prepare(self) -> None:
        """Start the daemon, load the image."""

    def unique(self) -> str:
        """A name that no other engine of this host uses, and that the reaper knows."""
        return f"{self.run.name}-{next(self._numbers)}"


class Docker(Engine):
    """dockerd with a containerd of its own."""

    name = "docker"
    programs = ("dockerd", "docker", "containerd", "containerd-shim-runc-v2", "runc")

    def prepare(self) -> None:
        here = self.directory
        socket = f"unix://{here}/docker.sock"
        self.client = ("docker", "--host", socket)
        address = start_containerd(self.run, "docker-containerd")
        self.run.start(
            *("dockerd", "--host", socket, "--pidfile", f"{here}/docker.pid"),
            *("--data-root", f"{here}/docker", "--exec-root", f"{here}/docker-exec"),
            *("--containerd", address, "--config-file", f"{here}/docker.json"),
            # Another daemon on this host may have docker0 and the DOCKER chain.
            *("--bridge", "none", "--iptables=false", "--ip6tables=false"),
            *("--ip-forward=false", "--ip-masq=false", "--userland-proxy=false"),
            log="dockerd.log",
        )
        (here / "docker.json").write_text("{}")
        wait_until(lambda: self.docker("version", check=False) and self._answers())
        self.image_id = images.make_archive(here / "image.tar")
        self.docker("load", "--input", str(here / "image.tar"))
        self.image = images.REFERENCE.removeprefix("docker.io/library/")

    def _answers(self) -> bool:
        return "Server Version" in self.docker("info", check=False)

    def docker(self, *words: str, check: bool = True) -> str:
        """The docker client; returns what it printed."""
        return self.run.output(*self.client, *words, check=check)

    def start(self, *flags: str, command: tuple[str, ...] = ()) -> Started:
        """``docker run -d`` with `flags`: --pid=host, --network=host, --privileged, ..."""
        name = self.unique()
        words = ("run", "--pull=never", "--detach", "--name", name)
        network = () if any(one.startswith("--network") for one in flags) else ("--network=none",)
        self.docker(*words, *network, *flags, self.image, *command)
        return self.inspect(name)

    def inspect(self, name: str) -> Started:
        """What the daemon says of a container now."""
        form = "{{.Id}}|{{.Name}}|{{.State.Pid}}|{{.State.Status}}|{{.Config.Image}}"
        ident, name, pid, status, image = self.docker("inspect", "-f", form, name).split("|")
        return _described("docker", ident, name, pid, status, image)

    def pause(self, container: Started) -> Started:
        """Freeze it; returns it as it is now. The end of the run thaws it."""
        self.docker("pause", container.id)
        return self.inspect(container.id)

    def stop(self, container: Started) -> Started:
        """Stop it at once, keep its files; returns it as it is now."""
        self.docker("stop", "--time", "0", container.id)
        return self.inspect(container.id)

    def remove(self, container: Started) -> None:
        """Remove it, running or not."""
        self.docker("rm", "--force", container.id)

    def list(self) -> list[Started]:
        """``docker ps --all``."""
        return [self.inspect(ident) for ident in self.docker("ps", "-aq", "--no-trunc").split()]


def _described(
    engine: str, ident: str, name: str, pid: str, status: str, image: str | None, **more: str | int
) -> Started:
    stopped = status not in ("running", "paused")
    return Started(
        engine=engine,
        id=ident,
        name=name.removeprefix("/"),
        pid=None if stopped else int(pid),
        status="stopped" if stopped else status,
        image=image,
        **more,  # type: ignore[arg-type]
    )


_CONTAINERD_CONFIG = """\
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[plugins."io.containerd.internal.v1.opt"]
path = "{here}/opt"
"""


def start_containerd(run: Run, name: str) -> str:
    """Start containerd below the directory `name` and return its socket, once it answers."""
    here = run.directory / name
    here.mkdir()
    (here / "config.toml").write_text(_CONTAINERD_CONFIG.format(here=here))
    address = f"{here}/containerd.sock"
    run.start(
        *("containerd", "--config", f"{here}/config.toml", "--root", f"{here}/root"),
        *("--state", f"{here}/state", "--address", address),
        log=f"{name}.log",
    )
    wait_until(lambda: run.output("ctr", "--address", address, "version", check=False))
    return address


class Containerd(Engine):
    """containerd with runc, alone or as the kubelet uses it."""

    name = "containerd"
    programs = ("containerd", "ctr", "containerd-shim-runc-v2", "runc")

    def prepare(self) -> None:
        self.address = start_containerd(self.run, "containerd")
        self.image_id = images.make_archive(self.directory / "image.tar")
        self.image = images.REFERENCE
        for namespace in ("default", "k8s.io"):
            self.ctr(namespace, "images", "import", str(self.directory / "image.tar"))

    def ctr(self, namespace: str, *words: str) -> str:
        """The ctr client; returns what it printed."""
        return self.run.output("ctr", "--address", self.address, "-n", namespace, *words)

    def start(self, *flags: str, namespace: str = "default", ident: str | None = None) -> Started:
        """``ctr run -d``: its id is a name, its cgroup /NAMESPACE/ID."""
        short = self.unique().removeprefix(reaper.PREFIX)
        return self._start(namespace, ident or short, flags)

    def _start(self, namespace: str, ident: str, flags: tuple[str, ...]) -> Started:
        # Both are below /run/containerd otherwise, whichever the daemon.
        where = ("--runc-root", f"{self.directory}/runc", "--fifo-dir", f"{self.directory}/fifo")
        self.ctr(namespace, "run", "--detach", *where, *flags, self.image, ident)
        pid = self._pid(namespace, ident)
        return Started(engine="containerd", id=ident, name=ident, pid=pid, image=self.image)

    def _pid(self, namespace: str, ident: str) -> int:
        rows = (row.split() for row in self.ctr(namespace, "tasks", "list").splitlines())
        return next(int(row[1]) for row in rows if row[0] == ident)

    def start_pod(self, *names: str) -> list[Started]:
        """A Kubernetes pod, with the cgroups and labels that the kubelet and CRI give it.

        The sandbox first (it holds the namespaces), then a container for each of `names`.
        """
        uid = "-".join(secrets.token_hex(size) for size in (4, 2, 2, 2, 6))
        pod = self.unique()
        common = {
            "io.kubernetes.pod.name": pod,
            "io.kubernetes.pod.namespace": "shop",
            "io.kubernetes.pod.uid": uid,
        }
        sandbox = self._start_of_pod(uid, pod, common | {"io.cri-containerd.kind": "sandbox"})
        shared = [f"{kind}:/proc/{sandbox.pid}/ns/{path}" for kind, path in _POD_NAMESPACES]
        join = tuple(word for one in shared for word in ("--with-ns", one))
        labels = common | {"io.cri-containerd.kind": "container"}
        return [sandbox] + [
            self._start_of_pod(uid, name, labels | {"io.kubernetes.container.name": name}, join)
            for name in names
        ]

    def _start_of_pod(
        self, uid: str, name: str, labels: dict[str, str], flags: tuple[str, ...] = ()
    ) -> Started:
        ident = secrets.token_hex(32)
        words = tuple(word for pair in labels.items() for word in ("--label", "=".join(pair)))
        cgroup = ("--cgroup", f"/kubepods/burstable/pod{uid}/{ident}")
        one = self._start("k8s.io", ident, (*words, *cgroup, *flags))
        kind = "pod" if labels["io.cri-containerd.kind"] == "sandbox" else "container"
        return Started(
            engine=one.engine, id=ident, name=name, pid=one.pid, image=one.image, pod=uid, kind=kind
        )

    def stop(self, container: Started, namespace: str = "default") -> Started:
        """Kill its process, keep the container."""
        self.ctr(namespace, "tasks", "kill", "--signal", "KILL", container.id)
        wait_until(lambda: not os.path.exists(f"/proc/{container.pid}"))
        self.ctr(namespace, "tasks", "delete", "--force", container.id)
        return Started(
            engine="containerd",
            id=container.id,
            name=container.name,
            image=container.image,
            status="stopped",
        )


_POD_NAMESPACES = (("network", "net"), ("ipc", "ipc"), ("uts", "uts"))

_PODMAN_CONFIG = """\
[containers]
# Where root lacks CAP_SYS_RESOURCE, podman's own defaults cannot be set.
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
# The default is one shared memory segment for all of the user's podmans.
lock_type = "file"
"""


class Podman(Engine):
    """podman with runc."""

    name = "podman"
    programs = ("podman", "conmon", "runc")
    user = 0

    def prepare(self) -> None:
        self.home = self.directory / "podman"
        self.home.mkdir()
        config = self.home / "containers.conf"
        config.write_text(_PODMAN_CONFIG)
        self.run.environment["CONTAINERS_CONF"] = str(config)
        images.make_archive(self.directory / "image.tar")
        self.image = images.REFERENCE
        self.podman("load", "--input", str(self.directory / "image.tar"))

    def podman(self, *words: str) -> str:
        """The podman command; returns what it printed."""
        where = ("root", "runroot", "tmpdir")
        places = (word for name in where for word in (f"--{name}", f"{self.home}/{name}"))
        state = ("--runtime-flag", f"root={self.home}/runc")
        return self.run.output("podman", *places, *state, *words)

    def start(self, *flags: str, command: tuple[str, ...] = ()) -> Started:
        """``podman run -d`` with `flags`."""
        name = self.unique()
        words = ["run", "--pull=never", "--detach", "--name", name]
        if not any(flag.startswith(("--network", "--pod")) for flag in flags):
            words.append("--network=none")
        self.podman(*words, *flags, self.image, *command)
        return self.inspect(name)

    def start_pod(self, count: int = 1) -> list[Started]:
        """A pod: the infra container first, then `count` others."""
        name = self.unique()
        self.podman("pod", "create", "--name", name, "--network=none")
        for _ in range(count):
            self.start("--pod", name)
        ids = self.podman("ps", "--filter", f"pod={name}", "-q", "--no-trunc").split()
        return sorted(map(self.inspect, ids), key=lambda one: one.kind != "pod")

    def inspect(self, name: str) -> Started:
        """What podman says of a container now."""
        words = ("ID", "Name", "State.Pid", "State.Status", "ImageName", "Pod", "IsInfra")
        form = "|".join(f"{{{{.{word}}}}}" for word in words)
        text = self.podman("inspect", "--type", "container", "-f", form, name)
        *rest, pod, infra = text.split("|")
        kind = "pod" if infra == "true" else "container"
        return _described("podman", *rest, pod=pod or None, kind=kind, user=self.user)  # type: ignore[arg-type]

    def pause(self, container: Started) -> Started:
        """Freeze it; returns it as it is now. The end of the run thaws it."""
        self.podman("pause", container.id)
        return self.inspect(container.id)

    def stop(self, container: Started) -> Started:
        """Stop it at once, keep its files; returns it as it is now."""
        self.podman("stop", "--time", "0", container.id)
        return self.inspect(container.id)

    def remove(self, container: Started) -> None:
        """Remove it, running or not."""
        self.podman("rm", "--force", "--time", "0", container.id)

    def list(self) -> list[Started]:
        """``podman ps --all``, infra containers included."""
        return list(map(self.inspect, self.podman("ps", "-aq", "--no-trunc").split()))


class RootlessPodman(Podman):
    """podman of another user, one that exists only as long as the run."""

    programs = (*Podman.programs, "useradd", "userdel", "newuidmap", "setpriv")

    def prepare(self) -> None:
        account = self.run.name.replace(reaper.PREFIX, "nsview")
        home = self.directory / "home"
        self.run.output("useradd", "--create-home", "--home-dir", str(home), account)
        entry = pwd.getpwnam(account)
        (self.directory / "user").write_text(account)  # these two are for the reaper
        (self.directory / "uid").write_text(str(entry.pw_uid))
        self.user = entry.pw_uid
        runtime = home / "run"
        runtime.mkdir(mode=0o700)
        os.chown(runtime, entry.pw_uid, entry.pw_gid)
        # podman looks at them before it looks at who it is.
        for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            self.run.environment.pop(name, None)
        self.run.environment |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
        super().prepare()

    def podman(self, *words: str) -> str:
        """The podman command as that user, with all its files where that user's files are."""
        ids = ("--reuid", str(self.user), "--regid", str(pwd.getpwuid(self.user).pw_gid))
        as_user = ("setpriv", *ids, "--init-groups", "--")
        return self.run.output(*as_user, "podman", *words, directory="/")


_LXC_CONFIG = """\
lxc.rootfs.path = dir:{rootfs}
lxc.uts.name = {name}
lxc.net.0.type = empty
lxc.mount.auto = proc:mixed sys:mixed
"""


class Lxc(Engine):
    """Containers of lxc-execute(1)."""

    name = "lxc"
    programs = ("lxc-execute",)

    def start(self, *command: str) -> Started:
        """Start one; its monitor is the parent of its init."""
        name = self.unique()
        home = self.directory / "lxc" / name
        rootfs = images.make_rootfs(home / "rootfs")
        (home / "config").write_text(_LXC_CONFIG.format(rootfs=rootfs, name=name))
        monitor = self.run.start(
            *("lxc-execute", "--lxcpath", str(home.parent), "--name", name),
            *("--rcfile", str(home / "config"), "--", *(command or images.COMMAND)),
            log=f"{name}.log",
        )
        pid = wait_until(lambda: _first_inside(monitor.pid))
        return Started(engine="lxc", id=name, name=name, pid=pid)


class Nspawn(Engine):
    """Containers of systemd-nspawn(1) that neither machined nor systemd know."""

    name = "nspawn"
    programs = ("systemd-nspawn",)

    def start(self, *command: str) -> Started:
        """Start one on a tree of its own."""
        name = self.unique()
        tree = images.make_rootfs(self.directory / name)
        monitor = self.run.start(
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network"),
            *("--directory", str(tree), "--machine", name, *(command or images.COMMAND)),
            log=f"{name}.log",
        )
        pid = wait_until(lambda: _first_inside(monitor.pid))
        return Started(engine="nspawn", id=name, name=name, pid=pid)


def _first_inside(monitor: int) -> int | None:
    """The process below `monitor` that is number 1 inside, once the container's command runs."""
    first = None
    for pid in descendants(monitor):
        with contextlib.suppress(OSError):
            if first is None and _numbers(pid)[1:] == ["1"]:
                first = pid
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "busybox":
                return first
    return None


def _numbers(pid: int) -> list[str]:
    # At every level of pid namespaces, ours first.
    status = Path(f"/proc/{pid}/status").read_text()
    return status.split("NSpid:")[1].splitlines()[0].split()


class Bubblewrap(Engine):
    """Sandboxes of bwrap(1)."""

    name = "bubblewrap"
    programs = ("bwrap",)

    def start(self, *flags: str, rootfs: bool = True) -> Started:
        """Start one, on a tree of its own or on the host's files."""
        root = str(images.make_rootfs(self.directory / self.unique())) if rootfs else "/"
        launcher = self.run.start(
            *("bwrap", "--bind", root, "/", "--dev", "/dev", "--proc", "/proc"),
            *(flags or ("--unshare-all",)),
            *images.COMMAND,
            log="bwrap.log",
        )
        innermost = wait_until(lambda: running(launcher.pid))
        inside = (one for one in descendants(launcher.pid) if _numbers(one)[1:] == ["1"])
        pid = next(inside, innermost)  # bwrap itself is number 1 of a new pid namespace
        return Started(engine="bubblewrap", id=str(pid), name=str(pid), pid=pid)


ENGINES: tuple[type[Engine], ...] = (
    Docker,
    Podman,
    RootlessPodman,
    Containerd,
    Lxc,
    Nspawn,
    Bubblewrap,
)


@contextlib.contextmanager
def engine(kind: type[Engine]) -> Iterator[Engine]:
    """Start an engine; when the block ends, nothing of it is left. May raise `Missing`."""
    with Run() as run:
        yield kind(run)
