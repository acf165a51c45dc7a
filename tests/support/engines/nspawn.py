"""systemd-nspawn without systemd."""

from __future__ import annotations

from support import images
from support.engines.base import Engine, Started
from support.engines.inside import first_inside
from support.processes import wait_until


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
        pid = wait_until(lambda: first_inside(monitor.pid))
        return Started(engine="nspawn", id=name, name=name, pid=pid)
