"""Refs: names that never collide, and the order in which containers are listed."""

from __future__ import annotations

from nsview.host.model import Container
from nsview.typed import Hashable, Mapping, TypeVar

_SHORT_ID = 12
_RANDOM_ID = 32
_HEX = frozenset("0123456789abcdef")
_Key = TypeVar("_Key", bound=Hashable)

#: Engines without names of their own: what they run is told apart by PID.
_NAMELESS = frozenset({"unshare", "bubblewrap"})


def short_id(container_id: str) -> str:
    """The first twelve digits of a random id, as every engine shows them; a name as it is."""
    random = len(container_id) >= _RANDOM_ID and _HEX.issuperset(container_id)
    return container_id[:_SHORT_ID] if random else container_id


def plain_ref(container: Container) -> str:
    """The ref that a container gets when no other wants it.

    ``docker/web``, ``podman@1000/web`` (rootless), ``containerd/shop/cart-7d9f/cart`` (a pod's
    container), ``containerd/k8s.io/c1`` (outside its default namespace), ``unshare/4711``.
    """
    engine = f"{container.engine}@{container.owner}" if container.owner else container.engine
    pod = container.pod
    if container.engine in _NAMELESS and container.kind != "isolated":
        return f"{engine}/{container.pid}"
    if pod is not None and pod.name and pod.namespace:
        place = f"{engine}/{pod.namespace}/{pod.name}"
        return place if container.kind == "pod" else f"{place}/{container.name}"
    if container.kind == "isolated" and container.engine == "unshare":
        return f"isolated/{container.pid}"
    if container.engine_namespace not in (None, "default"):
        return f"{engine}/{container.engine_namespace}/{container.name}"
    return f"{engine}/{container.name}"


def free_ref(container: Container, taken: set[str]) -> str:
    """Its plain ref, or one with the id added where that is taken; `taken` is updated."""
    ref = plain_ref(container)
    if ref in taken:
        ref = f"{ref}:{short_id(container.id or str(container.pid))}"
    plain, count = ref, 1
    while ref in taken:
        count += 1
        ref = f"{plain}:{count}"
    taken.add(ref)
    return ref


def unique_refs(drafts: Mapping[_Key, Container]) -> dict[_Key, str]:
    """A ref for each; of namesakes, the one that started first keeps the plain one."""
    taken = {"host"}
    by_age = sorted(drafts, key=lambda key: (drafts[key].start_time or 0, drafts[key].pid or 0))
    return {key: free_ref(drafts[key], taken) for key in by_age}


def listing_order(container: Container) -> tuple[bool, bool, str, str, str]:
    """Running before stopped, isolated ones last of those, then by engine and name."""
    return (
        container.status == "stopped",
        container.kind == "isolated",
        container.engine,
        container.name,
        container.ref,
    )
