"""podman, of root and of another user."""

from __future__ import annotations

import os
import pwd

from support import images, reaper
from support.engines.base import Engine, Missing, Started, described

_PODMAN_CONFIG = """\
[containers]
# Where root lacks CAP_SYS_RESOURCE, podman's own defaults cannot be set.
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
runtime = "{runtime}"
cgroup_manager = "cgroupfs"
events_logger = "file"
# The default is one shared memory segment for all of the user's podmans.
lock_type = "file"
"""


class Podman(Engine):
    """podman with runc, or with crun where all cgroups are v2, as Debian's has it.

    crun 1.8 refuses mixed cgroups; runc 1.1 denies a pod's second container its /dev/null on v2.
    """

    name = "podman"
    programs = ("podman", "conmon")
    user = 0
    #: What goes before each command line, and podman's own options for all of them.
    launcher: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def prepare(self) -> None:
        self.home = self.directory / "podman"
        self.home.mkdir()
        config = self.home / "containers.conf"
        config.write_text(_PODMAN_CONFIG.replace("{runtime}", self._runtime()))
        self.run.environment["CONTAINERS_CONF"] = str(config)
        images.make_archive(self.directory / "image.tar")
        self.image = images.REFERENCE
        self.podman("load", "--input", str(self.directory / "image.tar"))

    def _runtime(self) -> str:
        unified = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
        for name in ("crun", "runc") if unified else ("runc",):
            if self.run.find(name):
                return name
        raise Missing("no runtime is installed")

    def podman(self, *words: str) -> str:
        """The podman command; returns what it printed."""
        where = ("root", "runroot", "tmpdir")
        places = (word for name in where for word in (f"--{name}", f"{self.home}/{name}"))
        state = ("--runtime-flag", f"root={self.home}/runc")
        return self.run.output(*self.launcher, "podman", *places, *state, *self.options, *words)

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
        return described("podman", *rest, pod=pod or None, kind=kind, user=self.user)  # type: ignore[arg-type]

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
        words = ("rm", "--force", "--ignore", "--time", "0", container.id)
        try:
            self.podman(*words)
        except RuntimeError:  # its monitor was cleaning up as well: "device or resource busy"
            self.podman(*words)

    def list(self) -> list[Started]:
        """``podman ps --all``, infra containers included."""
        return list(map(self.inspect, self.podman("ps", "-aq", "--no-trunc").split()))


class FusePodman(Podman):
    """podman whose layers are mounted, and marked, by fuse-overlayfs.

    A store where a mount program was used once keeps to it: this one has a store of its own.
    """

    programs = (*Podman.programs, "fuse-overlayfs")

    def prepare(self) -> None:
        if not os.path.exists("/dev/fuse"):
            raise Missing("there is no /dev/fuse")
        super().prepare()

    def podman(self, *words: str) -> str:
        """The podman command; returns what it printed."""
        program = "overlay.mount_program=/usr/bin/fuse-overlayfs"
        return super().podman("--storage-opt", program, *words)


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
        self.run.environment["USER"] = account  # whose subordinate ids podman 5 takes
        super().prepare()

    def podman(self, *words: str) -> str:
        """The podman command as that user, with all its files where that user's files are."""
        ids = ("--reuid", str(self.user), "--regid", str(pwd.getpwuid(self.user).pw_gid))
        as_user = ("setpriv", *ids, "--init-groups", "--")
        return self.run.output(*as_user, "podman", *self.options, *words, directory="/")


class RootlessOverlayPodman(RootlessPodman):
    """The same whose layers the kernel stacks, in the user's user namespace."""

    options = ("--storage-driver", "overlay")
