"""Docker, with its own containerd."""

from __future__ import annotations

from support import images
from support.engines.base import Engine, Started, described
from support.engines.containerd import start_containerd
from support.processes import wait_until


class Docker(Engine):
    """dockerd with a containerd of its own."""

    name = "docker"
    programs = ("dockerd", "docker", "containerd", "containerd-shim-runc-v2", "runc")
    #: What goes before the daemon's command line.
    launcher: tuple[str, ...] = ()
    #: Another daemon on this host may have docker0 and the DOCKER chain.
    network_options: tuple[str, ...] = (
        *("--bridge", "none", "--iptables=false", "--ip6tables=false"),
        *("--ip-forward=false", "--ip-masq=false", "--userland-proxy=false"),
    )

    def prepare(self) -> None:
        here = self.directory
        socket = f"unix://{here}/docker.sock"
        self.client = ("docker", "--host", socket)
        address = start_containerd(self.run, "docker-containerd")
        self.run.start(
            *(*self.launcher, "dockerd", "--host", socket, "--pidfile", f"{here}/docker.pid"),
            *("--data-root", f"{here}/docker", "--exec-root", f"{here}/docker-exec"),
            *("--containerd", address, "--config-file", f"{here}/docker.json"),
            *self.network_options,
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

    def cgroup_parent(self, below: str = "") -> str:
        """``--cgroup-parent`` as its driver takes it: any path, or a slice where systemd rules."""
        if self.docker("info", "-f", "{{.CgroupDriver}}") == "systemd":
            return f"--cgroup-parent={self.run.name}.slice"
        return f"--cgroup-parent=/{self.run.name}{below}"

    def inspect(self, name: str) -> Started:
        """What the daemon says of a container now."""
        form = "{{.Id}}|{{.Name}}|{{.State.Pid}}|{{.State.Status}}|{{.Config.Image}}"
        ident, name, pid, status, image = self.docker("inspect", "-f", form, name).split("|")
        return described("docker", ident, name, pid, status, image)

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
