"""Which containers a cgroup path names.

A cgroup path is read component by component; every engine is asked about each, and the more
particular are asked before those that also take bare ids. What runs below a container's cgroup
(``/container``, ``/init.scope``, ``/payload``, ``/system.slice/cron.service``) matches nothing and
so belongs to the enclosing match. Containers in containers give several matches.

The path was written by whoever may make cgroups. Root in a container with a writable cgroup file
system can make ``docker/ID`` below its own cgroup with any id: the id of a nested match is a claim,
its `Match.path` is a fact.
"""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.systemd import user_of
from nsview.light import import_module, lru_cache
from nsview.typed import Callable, Final

_Recogniser = Callable[[tuple[str, ...], int], Match | None]

#: The engines in the order in which they are asked, each with words of which one is somewhere in
#: every path that it knows. Without any it need not be asked, nor even be loaded.
_WORDS: Final = {
    "podman": ("libpod",),
    "crio": ("crio",),
    "kubepods": ("pod",),
    "ecs": ("ecs",),
    "buildkit": ("buildkit", "docker"),
    "containerd": ("containerd", "nerdctl", "k8s.io", "moby", "default", "buildkit", "linuxkit"),
    "libvirt": ("lxc",),
    "lxc": ("lxc",),
    "nspawn": ("machine", "nspawn"),
    "nsview": ("nsview",),
    "flatpak": ("flatpak",),
    "snap": ("snap",),
    "garden": ("garden", "bpm"),
    "nomad": ("nomad",),
    "docker": ("",),
}

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
    engines: list[_Recogniser] = [
        import_module(f"nsview.engines.{engine}").recognise
        for engine, words in _WORDS.items()
        if any(word in path for word in words)
    ]
    matches: list[Match] = []
    user = None
    end = start - 1
    for index, component in enumerate(components):
        end += 1 + len(component)
        match = next(filter(None, (ask(components, index) for ask in engines)), None)
        if match is None:
            continue
        if not matches:  # further in, users are a container's own and their numbers mean others
            user = user_of(components[:index])
        matches.append(match._replace(path=path[:end], user=user))
    return tuple(matches)
