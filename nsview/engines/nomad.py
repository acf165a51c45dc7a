"""HashiCorp Nomad's own drivers: ``nomad.slice/[share.slice/]ALLOCATION.TASK.scope``.

Tasks of its docker driver look like docker's; those of raw_exec keep the host's namespaces, which
their cgroup does not tell.
"""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.identifiers import is_uuid

_PARENTS = frozenset({"nomad.slice", "nomad"})


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A task; it is called as the job's author did."""
    allocation, dot, task = components[index].removesuffix(".scope").partition(".")
    if not (dot and task and is_uuid(allocation) and _PARENTS.intersection(components[:index])):
        return None
    return Match(engine="nomad", id=f"{allocation}.{task}", name=task)
