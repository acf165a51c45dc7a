"""containerd's cgroups: by way of Kubernetes, of nerdctl, or its own ``/NAMESPACE/ID``."""

from __future__ import annotations

import re

from nsview.engines.base import Match
from nsview.engines.identifiers import runtime_name
from nsview.engines.kubepods import pod_uid_of

_KUBERNETES = "cri-containerd"
_KUBERNETES_NAMESPACE = "k8s.io"
_NERDCTL = "nerdctl"

#: Namespaces whose name alone makes ``/NAMESPACE/ID`` a container. Any two words may stand in a
#: cgroup path, so other namespaces are believed only when a record confirms them (see `candidate`).
_NAMESPACES = frozenset(
    {_KUBERNETES_NAMESPACE, "moby", "plugins.moby", "default", "buildkit", "services.linuxkit"}
)
_ID = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_ID_LIMIT = 76  # containerd: pkg/identifiers
_UNITS = (".service", ".scope", ".slice", ".mount", ".swap", ".socket")


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """``cri-containerd-ID``, ``nerdctl-ID``, or an id at the top below a known namespace.

    Ids of the last form are free names. ``/default/init.scope`` and its like are systemd's.
    """
    name = runtime_name(components[index])
    if name is not None and name.prefix == _KUBERNETES:
        pod_uid = pod_uid_of(components, index, name.slice)
        return Match(
            engine="containerd", id=name.id, namespace=_KUBERNETES_NAMESPACE, pod_uid=pod_uid
        )
    if name is not None and name.prefix == _NERDCTL:
        return Match(engine="containerd", id=name.id)
    if index == 1 and components[0] in _NAMESPACES:
        return _named(components[0], components[1])
    return None


def candidate(path: str) -> Match | None:
    """What ``/NAMESPACE/ID[/...]`` would be if containerd had such a namespace and container.

    To be believed only when containerd's own records hold that id in that namespace.
    """
    parts = path.split("/", 3)
    if len(parts) < 3 or parts[0] or not _is_free_name(parts[1]):
        return None
    return _named(parts[1], parts[2], f"/{parts[1]}/{parts[2]}")


def _named(namespace: str, container: str, path: str = "") -> Match | None:
    if not _is_free_name(container):
        return None
    return Match(engine="containerd", id=container, namespace=namespace, path=path)


def _is_free_name(text: str) -> bool:
    return len(text) <= _ID_LIMIT and not text.endswith(_UNITS) and bool(_ID.fullmatch(text))
