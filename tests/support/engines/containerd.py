"""containerd, alone or as Kubernetes uses it."""

from __future__ import annotations

import os
import secrets

from support import images, reaper
from support.engines.base import Engine, Started
from support.processes import wait_until
from support.run import Run

_CONTAINERD_CONFIG = """\
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[plugins."io.containerd.internal.v1.opt"]
path = "{here}/opt"
"""

_POD_NAMESPACES = (("network", "net"), ("ipc", "ipc"), ("uts", "uts"))


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
