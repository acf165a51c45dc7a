"""Real engines, each with a daemon (where it has one), files and names of its own.

None of them touches the host's own engines: sockets, pid files, roots and locks are below the
directory of a `Run`, containers have no network but their own loopback, and when the run ends the
reaper removes everything. The host's bridges, firewall and sysctls are never asked for anything:
those that do have bridges (`bridged`) have them in a network namespace of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from support.engines.base import Engine, Missing, Started
from support.engines.bridged import BridgedDocker, BridgedPodman
from support.engines.bubblewrap import Bubblewrap
from support.engines.containerd import Containerd
from support.engines.docker import Docker
from support.engines.lxc import Lxc
from support.engines.nspawn import Nspawn
from support.engines.podman import FusePodman, Podman, RootlessOverlayPodman, RootlessPodman
from support.run import Run

__all__ = [
    "ENGINES",
    "BridgedDocker",
    "BridgedPodman",
    "Bubblewrap",
    "Containerd",
    "Docker",
    "Engine",
    "FusePodman",
    "Lxc",
    "Missing",
    "Nspawn",
    "Podman",
    "RootlessOverlayPodman",
    "RootlessPodman",
    "Started",
    "engine",
]

ENGINES: tuple[type[Engine], ...] = (
    Docker,
    Podman,
    FusePodman,
    RootlessPodman,
    Containerd,
    Lxc,
    Nspawn,
    Bubblewrap,
    BridgedDocker,
    BridgedPodman,
)


@contextlib.contextmanager
def engine(kind: type[Engine]) -> Iterator[Engine]:
    """Start an engine; when the block ends, nothing of it is left. May raise `Missing`."""
    with Run() as run:
        yield kind(run)
