"""Who launched a container that no cgroup path names."""

from __future__ import annotations

from collections.abc import Sequence

from nsview.engines import (
    apptainer,
    browser,
    firejail,
    flatpak,
    lxc,
    nspawn,
    podman,
    runc,
    snap,
    unshare,
)
from nsview.engines.base import Match
from nsview.engines.launcher import Launcher

__all__ = ["Launcher", "recognise_launcher"]

_BY_PARENT = (
    flatpak.launched,
    nspawn.launched,
    lxc.launched,
    firejail.launched,
    runc.launched,
    apptainer.launched,
    snap.launched,
    browser.launched,
    podman.launched,
    unshare.launched,
)
#: Their own process stays as number 1 of the sandbox, and may outlive the one outside.
_BY_ITSELF = (flatpak.launched, firejail.launched)


def recognise_launcher(chain: Sequence[Launcher]) -> Match | None:
    """Who launched a container: `chain` is its first process, then that one's ancestors.

    Only the parent counts, and, for programs that stay as process 1, the first process itself.
    Launchers are parents by their making; whoever is further up (a shell, a shim under which
    somebody typed ``unshare``) launched the launcher, and says nothing of this container.

    The id is empty where the launcher gives none. The match names what already is a container: the
    first process is inside and may write its command line as it pleases.
    """
    if not chain:
        return None
    first = chain[0]
    if len(chain) > 1:
        match = next(filter(None, (ask(chain[1], first) for ask in _BY_PARENT)), None)
        if match is not None:
            return match
    return next(filter(None, (ask(first, first) for ask in _BY_ITSELF)), None)
