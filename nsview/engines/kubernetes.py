"""Labels that say which Kubernetes pod a container belongs to.

The kubelet gives every container and sandbox the ``io.kubernetes.*`` ones (pkg/kubelet/types/
labels.go), cri-dockerd and containerd's CRI plugin add what kind it is.
"""

from __future__ import annotations

from nsview.engines.base import Pod
from nsview.named_tuple import NamedTuple
from nsview.typed import Iterable


class PodMember(NamedTuple):
    """A container's place in a pod."""

    pod: Pod | None
    sandbox: bool
    name: str | None
    """As the pod's author called it; the pod's own name for the sandbox."""


def pod_member(labels: Iterable[tuple[str, str]]) -> PodMember:
    """What the labels of a container say about its pod."""
    known = dict(labels)
    uid = known.get("io.kubernetes.pod.uid")
    if not uid:
        return PodMember(None, False, None)
    name = known.get("io.kubernetes.pod.name")
    pod = Pod(uid=uid, name=name, namespace=known.get("io.kubernetes.pod.namespace"))
    sandbox = (
        known.get("io.cri-containerd.kind") == "sandbox"
        or known.get("io.kubernetes.docker.type") == "podsandbox"
    )
    return PodMember(pod, sandbox, name if sandbox else known.get("io.kubernetes.container.name"))
