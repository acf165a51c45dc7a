"""podman's cgroups, which all say ``libpod``.

::

    machine.slice/libpod-ID.scope[/container]              root, systemd
    user.slice/.../user.slice/libpod-ID.scope              rootless
    libpod_parent/libpod-ID                                cgroupfs
    X.service/libpod-payload-ID                            --cgroups=split (quadlet)
    machine-libpod_pod_PODID.slice/libpod-ID.scope         in a pod; user-libpod_pod_... rootless
    libpod_parent/PODID/libpod-ID                          in a pod, cgroupfs
    libpod-conmon-ID.scope                                 the monitor

conmon's other places, ``libpod_parent/conmon`` and ``X.service/supervisor``, name no container. A
pod's infra container is one like the others; only its record tells.
"""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.identifiers import is_container_id, runtime_name
from nsview.engines.launcher import Launcher, read_options, runs, taking

_CONTAINERS = frozenset({"libpod", "libpod-payload"})
_MONITOR = "libpod-conmon"
_CONMON_TAKES = taking("--api-version -c")
_POD_SLICE = "-libpod_pod_"


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A container or its conmon. In a pod, `pod_uid` is podman's id of the pod, 64 digits."""
    name = runtime_name(components[index])
    if name is None or (name.prefix not in _CONTAINERS and name.prefix != _MONITOR):
        return None
    return Match(
        engine="podman",
        id=name.id,
        pod_uid=_pod_of(components, index),
        monitor=name.prefix == _MONITOR,
    )


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """The child of a conmon, which is told the id by ``-c``.

    It speaks where no cgroup does: without systemd's delegation, rootless podman makes none.
    """
    if not runs(parent, "conmon"):
        return None
    container_id = read_options(parent.command[1:], _CONMON_TAKES).values.get("-c", "")
    return Match(engine="podman", id=container_id) if is_container_id(container_id) else None


def _pod_of(components: tuple[str, ...], index: int) -> str | None:
    parents = components[:index]
    if not parents:
        return None
    above, _, pod = parents[-1].removesuffix(".slice").rpartition(_POD_SLICE)
    if above and parents[-1].endswith(".slice") and is_container_id(pod):
        return pod
    if parents[-2:-1] == ("libpod_parent",) and is_container_id(parents[-1]):
        return parents[-1]
    return None
