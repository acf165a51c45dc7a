"""Docker's cgroups: ``/docker/ID``, ``docker-ID.scope``, and whatever ``--cgroup-parent`` says."""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.identifiers import is_container_id, runtime_name
from nsview.engines.kubepods import pod_uid_of

#: Others put 64-digit names below these that are no containers: a pod of podman, and the host side
#: (VMM, shim) of a Kata sandbox.
_OTHERS = frozenset({"libpod_parent", "kata_overhead"})


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """``docker-ID.scope``, or a bare ``ID`` that no other engine claimed.

    Of all engines docker alone lets people choose the parent cgroup freely and keeps the bare id
    (``/docker/ID``, ``/actions_job/ID``, ``/ID``), so a bare id is docker's unless the record of
    the same id decides otherwise. Inside a private cgroup namespace it reads ``/../ID``.
    """
    component = components[index]
    name = runtime_name(component)
    if name is not None and name.prefix == "docker":
        pod_uid = pod_uid_of(components, index, name.slice)
        return Match(engine="docker", id=name.id, pod_uid=pod_uid)
    if is_container_id(component) and not (index and components[index - 1] in _OTHERS):
        return Match(engine="docker", id=component)
    return None
