"""Which control groups are a container's own: what is counted there is counted for it alone.

Where an engine recognises a path, the group that it has made, which may have others below it
(``/init.scope``, ``/container``). Elsewhere the innermost group that all of its processes are in,
if nobody else is. Who has no such group shares the counters and the limits of others.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping

from nsview.engines.recognise import recognise
from nsview.host.model import Container
from nsview.host.reference import HOST_REF
from nsview.kernel.task import CgroupPath, Task

_BY_ENGINES = ("container", "pod")


class CgroupOwners:
    """Answers for one set of processes."""

    def __init__(
        self,
        tasks: Mapping[int, Task],
        membership: Mapping[int, str],
        containers: Iterable[Container],
    ) -> None:
        self._tasks = tasks
        self._membership = membership
        self._parents = {one.ref: one.parent for one in containers}
        self._refs: dict[tuple[int, str], set[str]] | None = None

    def own_cgroups(self, container: Container) -> tuple[CgroupPath, ...]:
        """One for each hierarchy in which it has a group of its own; the host's is the root."""
        first = self._tasks.get(container.pid) if container.pid is not None else None
        if first is None:
            return ()
        if container.ref == HOST_REF:
            return tuple(line._replace(path="/") for line in first.cgroups)
        made = _made_by_engines(first.cgroups) if container.kind in _BY_ENGINES else {}
        found = []
        for index, line in enumerate(first.cgroups):
            own = made.get(index) or self._exclusive(container, index, line)
            if own is not None:
                found.append(own)
        return tuple(found)

    def _exclusive(self, container: Container, index: int, first: CgroupPath) -> CgroupPath | None:
        if first.path == "/":
            return None
        members = (self._tasks[pid] for pid in container.members if pid in self._tasks)
        paths = {task.cgroups[index].path for task in members if index < len(task.cgroups)}
        if not all(path.startswith("/") for path in paths):
            return None  # torn
        path = os.path.commonpath(paths) if paths else "/"
        if path == "/":
            return None
        others = self._users().get((first.hierarchy, path), ())
        alone = all(self._is_in(ref, container.ref) for ref in others)
        return first._replace(path=path) if alone else None

    def _is_in(self, ref: str | None, outer: str) -> bool:
        while ref is not None and ref != outer:
            ref = self._parents.get(ref)
        return ref == outer

    # Whose processes are in each group or below it.
    def _users(self) -> dict[tuple[int, str], set[str]]:
        if self._refs is None:
            self._refs = {}
            # Thousands of processes share few values of cgroups, which are the same objects.
            seen = {
                (id(task.cgroups), self._membership.get(task.pid, HOST_REF)): task.cgroups
                for task in self._tasks.values()
            }
            for (_, ref), cgroups in seen.items():
                for group in _with_those_above(cgroups):
                    self._refs.setdefault(group, set()).add(ref)
        return self._refs


# Hierarchy and path, of all but the roots.
@functools.lru_cache(maxsize=8192)
def _with_those_above(cgroups: tuple[CgroupPath, ...]) -> tuple[tuple[int, str], ...]:
    found = []
    for hierarchy, _, path in cgroups:
        while path not in ("/", ""):
            found.append((hierarchy, path))
            path = os.path.dirname(path)
    return tuple(found)


# Index of a hierarchy -> the group in there that an engine has made.
@functools.lru_cache(maxsize=8192)
def _made_by_engines(cgroups: tuple[CgroupPath, ...]) -> Mapping[int, CgroupPath]:
    paths = ((index, line, _recognised(line.path)) for index, line in enumerate(cgroups))
    return {index: line._replace(path=path) for index, line, path in paths if path is not None}


# What engines only lend their name to (the scope of a snap) may hold several sandboxes.
def _recognised(path: str) -> str | None:
    match = next(reversed(recognise(path)), None)
    whole = match is not None and match.kind == "container" and not match.monitor
    return match.path if match is not None and whole else None
