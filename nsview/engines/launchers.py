"""Who launched a container that no cgroup path names."""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher
from nsview.light import import_module
from nsview.typed import Final, Iterable, Sequence

__all__ = ["Launcher", "recognise_launcher"]

#: The engines in the order in which they are asked, each with words of which one is in the name of
#: every launcher that it knows. Without any it need not be asked, nor even be loaded.
_WORDS: Final = {
    "flatpak": ("bwrap",),
    "nspawn": ("nspawn",),
    "lxc": ("lxc",),
    "firejail": ("firejail",),
    "runc": ("runc", "crun", "youki"),
    "apptainer": ("Apptainer", "Singularity", "ch-run"),
    "snap": ("snap-confine",),
    "browser": ("",),
    "podman": ("conmon",),
    "unshare": ("unshare",),
}
#: Their own process stays as number 1 of the sandbox, and may outlive the one outside.
_STAYING: Final = ("flatpak", "firejail")


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
    by_parent = _ask(_WORDS, chain[1], first) if len(chain) > 1 else None
    return by_parent or _ask(_STAYING, first, first)


def _ask(engines: Iterable[str], launcher: Launcher, first: Launcher) -> Match | None:
    names = (launcher.comm, *launcher.command[:1])
    for engine in engines:
        if any(word in name for word in _WORDS[engine] for name in names):
            match: Match | None
            match = import_module(f"nsview.engines.{engine}").launched(launcher, first)
            if match is not None:
                return match
    return None
