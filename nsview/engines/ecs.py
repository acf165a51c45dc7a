"""Amazon ECS, whose agent chooses the parent cgroup of docker's (or Fargate's) containers.

::

    ecs/CLUSTER/TASK/ID        on EC2, ecs/TASK/ID before
    ecs/UUID/ID                Fargate 1.3
    ecs/TASK/TASK-NUMBER       Fargate 1.4
"""

from __future__ import annotations

import re

from nsview.engines.base import Match
from nsview.engines.identifiers import is_container_id

_FARGATE = re.compile(r"[0-9a-f]{32}-[0-9]+")
_DEEPEST = 3  # ecs/CLUSTER/TASK/ID


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A container of a task. On EC2 it is docker's own too: the record of the same id decides."""
    component = components[index]
    if "ecs" not in components[max(index - _DEEPEST, 0) : index]:
        return None
    if is_container_id(component) or _FARGATE.fullmatch(component):
        return Match(engine="ecs", id=component)
    return None
