"""Which containers a cgroup path names, and who launched one that no path names.

A cgroup path is read component by component; every engine is asked about each, and the more
particular are asked before those that also take bare ids. What runs below a container's cgroup
(``/container``, ``/init.scope``, ``/payload``, ``/system.slice/cron.service``) matches nothing and
so belongs to the enclosing match. Containers in containers give several matches.

The path was written by whoever may make cgroups. Root in a container with a writable cgroup file
system can make ``docker/ID`` below its own cgroup with any id: the id of a nested match is a claim,
its `Match.path` is a fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from nsview.engines import (
    apptainer,
    browser,
    buildkit,
    containerd,
    crio,
    docker,
    ecs,
    firejail,
    flatpak,
    garden,
    kubepods,
    libvirt,
    lxc,
    nomad,
    nspawn,
    nsview,
    podman,
    runc,
    snap,
    unshare,
)
from nsview.engines.base import Match
from nsview.engines.launcher import Launcher
from nsview.engines.systemd import user_of

__all__ = ["Launcher", "recognise", "recognise_launcher"]

_BY_CGROUP = (
    podman.recognise,
    crio.recognise,
    kubepods.recognise,
    ecs.recognise,
    buildkit.recognise,
    containerd.recognise,
    libvirt.recognise,
    lxc.recognise,
    nspawn.recognise,
    nsview.recognise,
    flatpak.recognise,
    snap.recognise,
    garden.recognise,
    nomad.recognise,
    docker.recognise,
)
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

_PATHS_REMEMBERED = 8192
_DELETED = " (deleted)"  # the kernel appends it for a zombie whose cgroup is gone, cgroups(7)


@lru_cache(maxsize=_PATHS_REMEMBERED)
def recognise(path: str) -> tuple[Match, ...]:
    """Every container that a cgroup path names, outermost first; monitors included and flagged.

    The last match is the container that a process of that cgroup is in. Units of systemd and
    cgroups that nobody knows give no match.
    """
    path = path.removesuffix(_DELETED)
    start = 1 if path.startswith("/") else 0
    components = tuple(path[start:].split("/"))
    matches: list[Match] = []
    user = None
    end = start - 1
    for index, component in enumerate(components):
        end += 1 + len(component)
        match = _match(components, index)
        if match is None:
            continue
        if not matches:  # further in, users are a container's own and their numbers mean others
            user = user_of(components[:index])
        matches.append(match._replace(path=path[:end], user=user))
    return tuple(matches)


def _match(components: tuple[str, ...], index: int) -> Match | None:
    return next(filter(None, (ask(components, index) for ask in _BY_CGROUP)), None)


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
