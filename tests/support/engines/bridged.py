"""Docker and podman with bridges, published ports and firewall rules, none of them the host's.

The daemon (or each podman command) runs in a network namespace of its own, and there are its
bridge, its proxies and its rules: the host never has any, not even when the test run is killed.
"""

from __future__ import annotations

import json
import os

from support.engines.base import Engine, Missing, Started
from support.engines.docker import Docker
from support.engines.podman import Podman
from support.processes import inode, wait_until

#: busybox nc ends with each connection.
_SERVE = "while :; do nc -l -p {port} -e true; done"


class Bridged(Engine):
    """What both have in common: a process that holds the namespaces, as long as the run."""

    holder = 0
    """Its PID."""
    launcher: tuple[str, ...] = ()

    def hold(self, script: str, *flags: str) -> None:
        """Start it in new namespaces of these kinds (``--net``), and set them up by a script."""
        ready = self.directory / "held"
        whole = f"ip link set lo up && {script} && touch {ready} && exec sleep 100000"
        process = self.run.start("unshare", *flags, "sh", "-ec", whole, log="holder.log")
        wait_until(ready.exists)
        self.holder = process.pid
        self.launcher = ("nsenter", "--target", str(process.pid), *flags, "--")

    @property
    def netns(self) -> int:
        """Inode of the network namespace that the bridge is in."""
        return inode(self.holder, "net")

    def beside_the_bridge(self, *words: str) -> str:
        """Run a command where the bridge is; returns what it printed."""
        return self.run.output(*self.launcher, *words)


class BridgedDocker(Bridged, Docker):
    """dockerd with docker0, its rules and docker-proxy."""

    programs = (*Docker.programs, "ip", "iptables", "docker-proxy", "nsenter")
    network_options = ()

    def prepare(self) -> None:
        self.hold("true", "--net")
        super().prepare()

    def serve(self, *flags: str, port: int = 80) -> Started:
        """A container on the bridge, or on ``--network``, with a process that listens."""
        shared = any(one.startswith("--network") for one in flags)
        words = flags if shared else ("--network=bridge", *flags)
        return self.start(*words, command=("sh", "-c", _SERVE.format(port=port)))


_PLUGINS = ("/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin")
_BRIDGE = {
    "type": "bridge",
    "bridge": "podman-test0",
    "isGateway": True,
    "ipMasq": True,
    "ipam": {
        "type": "host-local",
        "routes": [{"dst": "0.0.0.0/0"}],
        "ranges": [[{"subnet": "10.77.0.0/16", "gateway": "10.77.0.1"}]],
    },
}
_PORTS = {"type": "portmap", "capabilities": {"portMappings": True}}


class BridgedPodman(Bridged, Podman):
    """podman with a bridge made by CNI, and its rules."""

    programs = (*Podman.programs, "ip", "iptables", "nsenter")

    def prepare(self) -> None:
        if not any(os.path.exists(f"{directory}/bridge") for directory in _PLUGINS):
            raise Missing("the plugins of CNI are not installed")
        # podman mounts each container's network namespace below /run/netns, and CNI writes leases
        # below /var/lib/cni, wherever their other files are: both end with this mount namespace.
        here = "mount -t tmpfs none /run && mkdir /run/netns"
        self.hold(f"{here} && mkdir -p /var/lib/cni && mount -t tmpfs none /var/lib/cni",
                  "--net", "--mount")  # fmt: skip
        config = self.directory / "networks"
        config.mkdir()
        network = {"cniVersion": "0.4.0", "name": self.run.name, "plugins": [_BRIDGE, _PORTS]}
        (config / f"{self.run.name}.conflist").write_text(json.dumps(network))
        self.options = ("--network-config-dir", str(config))
        super().prepare()
        with open(self.run.environment["CONTAINERS_CONF"], "a", encoding="ascii") as file:
            file.write('[network]\nnetwork_backend = "cni"\n')
        if self.podman("info", "--format", "{{.Host.NetworkBackend}}") != "cni":
            raise Missing("this podman has no CNI")

    def serve(self, *flags: str, port: int = 80) -> Started:
        """A container on the bridge, or on ``--network``, with a process that listens."""
        shared = any(one.startswith("--network") for one in flags)
        words = flags if shared else (f"--network={self.run.name}", *flags)
        return self.start(*words, command=("sh", "-c", _SERVE.format(port=port)))
