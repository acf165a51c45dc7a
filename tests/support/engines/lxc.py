"""LXC without a daemon."""

from __future__ import annotations

from support import images
from support.engines.base import Engine, Started
from support.engines.inside import first_inside
from support.processes import wait_until

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
        pid = wait_until(lambda: first_inside(monitor.pid))
        return Started(engine="lxc", id=name, name=name, pid=pid)
