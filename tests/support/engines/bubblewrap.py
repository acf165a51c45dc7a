"""bubblewrap."""

from __future__ import annotations

from support import images
from support.engines.base import Engine, Started
from support.engines.inside import numbers
from support.processes import descendants, running, wait_until


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
        inside = (one for one in descendants(launcher.pid) if numbers(one)[1:] == ["1"])
        pid = next(inside, innermost)  # bwrap itself is number 1 of a new pid namespace
        return Started(engine="bubblewrap", id=str(pid), name=str(pid), pid=pid)
