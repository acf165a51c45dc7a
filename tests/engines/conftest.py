"""One engine of each kind for the whole session, started when a test first asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import pytest
from support import engines
from support.requirements import missing
from support.run import Run

_E = TypeVar("_E", bound=engines.Engine)


def _engine(kind: type[_E]) -> Iterator[_E]:
    with Run() as run:
        try:
            one = kind(run)
        except engines.Missing as lack:
            missing(f"{kind.name}: {lack}")
        yield one


@pytest.fixture(scope="session")
def docker() -> Iterator[engines.Docker]:
    """Docker, see `support.engines.Docker`."""
    yield from _engine(engines.Docker)


@pytest.fixture(scope="session")
def bridged_docker() -> Iterator[engines.BridgedDocker]:
    """Docker with a bridge, see `support.engines.bridged`."""
    yield from _engine(engines.BridgedDocker)


@pytest.fixture(scope="session")
def bridged_podman() -> Iterator[engines.BridgedPodman]:
    """Root's podman with a bridge, see `support.engines.bridged`."""
    yield from _engine(engines.BridgedPodman)


@pytest.fixture(scope="session")
def podman() -> Iterator[engines.Podman]:
    """Root's podman, see `support.engines.Podman`."""
    yield from _engine(engines.Podman)


@pytest.fixture(scope="session")
def fuse_podman() -> Iterator[engines.FusePodman]:
    """Root's podman on fuse-overlayfs, see `support.engines.FusePodman`."""
    yield from _engine(engines.FusePodman)


@pytest.fixture(scope="session")
def rootless_podman() -> Iterator[engines.RootlessPodman]:
    """Another user's podman, see `support.engines.RootlessPodman`."""
    yield from _engine(engines.RootlessPodman)


@pytest.fixture(scope="session")
def rootless_overlay_podman() -> Iterator[engines.RootlessOverlayPodman]:
    """Another user's podman on overlayfs, see `support.engines.RootlessOverlayPodman`."""
    yield from _engine(engines.RootlessOverlayPodman)


@pytest.fixture(scope="session")
def containerd() -> Iterator[engines.Containerd]:
    """A plain containerd, see `support.engines.Containerd`."""
    yield from _engine(engines.Containerd)


@pytest.fixture(scope="session")
def lxc() -> Iterator[engines.Lxc]:
    """LXC, see `support.engines.Lxc`."""
    yield from _engine(engines.Lxc)


@pytest.fixture(scope="session")
def nspawn() -> Iterator[engines.Nspawn]:
    """systemd-nspawn, see `support.engines.Nspawn`."""
    yield from _engine(engines.Nspawn)


@pytest.fixture(scope="session")
def bubblewrap() -> Iterator[engines.Bubblewrap]:
    """bwrap, see `support.engines.Bubblewrap`."""
    yield from _engine(engines.Bubblewrap)
