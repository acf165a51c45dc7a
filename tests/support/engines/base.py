"""What all engines have in common, and what they say of a container."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

from support import images
from support.processes import descendants
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


def described(
    engine: str, ident: str, name: str, pid: str, status: str, image: str | None, **more: str | int
) -> Started:
    """A container from the words in which docker(1) and podman(1) inspect it."""
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
