"""The kubelet's cgroups: one for every pod, whatever runtime fills it.

::

    kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID.slice/PREFIX-ID.scope
    kubepods/burstable/podUID/ID

Guaranteed pods lack the middle directory. A kubelet that is itself a container's guest puts
``kubelet.slice/kubelet-`` or ``kubelet/`` before it (kind, kubernetes-sigs/kind#3947). The uid of a
static pod is 32 hexadecimal digits, the hash of its manifest.
"""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.identifiers import is_container_id

_HASH = r"[0-9a-f]{32}"
_DIRECTORY = rf"pod([0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}|{_HASH})"
# systemd would read a dash as one more level of slices, so the kubelet writes underscores.
_SLICE = (
    r"(?:[A-Za-z0-9_.-]+-)?kubepods(?:-[a-z]+)?-"
    rf"pod([0-9a-f]{{8}}_[0-9a-f]{{4}}_[0-9a-f]{{4}}_[0-9a-f]{{4}}_[0-9a-f]{{12}}|{_HASH})\.slice"
)


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A bare 64-digit id in a pod's cgroup.

    The path does not say which runtime made it (dockershim, containerd and others look alike with
    the cgroupfs driver), so the engine is called ``kubernetes``: the record of the same id decides.
    """
    pod_uid = pod_uid_of(components, index)
    if pod_uid is None or not is_container_id(components[index]):
        return None
    return Match(engine="kubernetes", id=components[index], pod_uid=pod_uid)


def pod_uid_of(
    components: tuple[str, ...], index: int, unsplit_slice: str | None = None
) -> str | None:
    """The uid, with dashes, of the pod whose cgroup holds the component at `index`.

    One of the form ``SLICE:PREFIX:ID`` names that cgroup itself (`RuntimeName.slice`).
    """
    if unsplit_slice:
        return _pod_uid_in(unsplit_slice)
    return _pod_uid_in(components[index - 1]) if index else None


def _pod_uid_in(name: str) -> str | None:
    """The uid that a pod's cgroup name holds, with dashes; None for any other name."""
    if not (name.startswith("pod") or ("kubepods" in name and name.endswith(".slice"))):
        return None
    import re  # 8 ms, where there are pods

    directory = re.fullmatch(_DIRECTORY, name)
    if directory:
        return directory[1]
    of_slice = re.fullmatch(_SLICE, name)
    return of_slice[1].replace("_", "-") if of_slice else None
