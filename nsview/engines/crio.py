"""CRI-O's cgroups: ``crio-ID.scope`` in a pod's slice, ``crio-ID`` with the cgroupfs driver."""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.identifiers import runtime_name
from nsview.engines.kubepods import pod_uid_of

_MONITOR = "crio-conmon"


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A container, or its conmon, ``crio-conmon-ID[.scope]``."""
    name = runtime_name(components[index])
    if name is None or name.prefix not in ("crio", _MONITOR):
        return None
    pod_uid = pod_uid_of(components, index, name.slice)
    return Match(engine="crio", id=name.id, pod_uid=pod_uid, monitor=name.prefix == _MONITOR)
