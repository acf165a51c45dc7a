"""Snaps: ``snap.SNAP[_INSTANCE].APP`` services and scopes (snapd: sandbox/cgroup/scanning.go).

A strictly confined snap has a mount namespace on a base image; a *classic* one has the host's view,
which its cgroup does not tell.
"""

from __future__ import annotations

import re

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher, runs

_SNAP = r"[a-z0-9][a-z0-9-]*(?:_[a-z0-9]+)?(?:\+[a-z0-9-]+)?"
_APP = r"[A-Za-z0-9](?:-?[A-Za-z0-9])*"
_TAG = re.compile(rf"snap\.(?P<snap>{_SNAP})\.(?:(?P<hook>hook)\.)?(?P<app>{_APP})")
#: What makes a scope unique; older versions of snapd put a dot before the UUID.
_UNIQUE = re.compile(r"-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_GUESTS = ("lxc", "machine", "docker", "libpod")


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """An application, service or hook of a snap; the security tag is its id.

    Only the host's own: a snap inside a container is another snapd's, and what can be said of it is
    that it runs in that container.
    """
    match = _of_unit(components[index])
    if match and any(name.startswith(_GUESTS) for name in components[:index]):
        return None
    return match


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """``snap-confine [--base core22] snap.firefox.firefox ...`` while it prepares the sandbox."""
    if not runs(parent, "snap-confine"):
        return None
    return next(filter(None, map(_tagged, parent.command[1:5])), None)


def _of_unit(unit: str) -> Match | None:
    if unit.endswith(".service"):
        return _tagged(unit.removesuffix(".service"))
    if not unit.endswith(".scope"):
        return None
    name = _UNIQUE.sub("", unit.removesuffix(".scope"))
    return _tagged(name) or _tagged(name.rpartition(".")[0])


def _tagged(tag: str) -> Match | None:
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    snap, app = found["snap"], found["app"]
    # As people start it: `firefox`, `lxd.lxc`.
    name = f"{snap}.hook.{app}" if found["hook"] else snap if snap == app else f"{snap}.{app}"
    return Match(engine="snap", id=tag, name=name)
