"""Which control groups are a container's own: what is counted there is counted for it alone.

Where an engine recognises a path, the group that it has made, which may have others below it
(``/init.scope``, ``/container``). Elsewhere the innermost group that all of its processes are in,
if nobody else is. Who has no such group shares the counters and the limits of others.
"""

from __future__ import annotations

import os

from nsview.engines.recognise import recognise
from nsview.host.model import Container
from nsview.host.reference import HOST_REF
from nsview.kernel.task import CgroupPath, Task
from nsview.light import lru_cache
from nsview.typed import Iterable, Mapping, Sequence

_BY_ENGINES = ("container", "pod")

_Group = tuple[int, str]
"""Hierarchy and path."""
_NONE: frozenset[_Group] = frozenset()


class CgroupOwners:
    """Answers for the containers that it was last told of."""

    def __init__(self) -> None:
        self._tasks: Mapping[int, Task] = {}
        self._inside: dict[str, str] = {}
        self._used: dict[str, frozenset[_Group]] = {}
        self._users: dict[_Group, set[str]] = {}
        self._asked: dict[str, set[_Group]] = {}

    def update(
        self,
        tasks: Mapping[int, Task],
        containers: Sequence[Container],
        changed: Iterable[Container],
    ) -> set[str]:
        """`changed`: those of `containers` that are new or were put together again.

        Returns the refs of all that may have other groups of their own now.
        """
        self._tasks = tasks
        parents = {one.ref: one.parent for one in containers}
        used = {ref: groups for ref, groups in self._used.items() if ref in parents}
        concerned = {one.ref for one in changed}
        used.update((one.ref, self._groups_of(one)) for one in changed)
        touched: set[_Group] = set()
        for ref in concerned | self._used.keys() - used.keys():
            touched |= self._note_users(ref, self._used.get(ref, _NONE), used.get(ref, _NONE))
        # Whoever is inside another one, and is there no more or newly, counts as one of that.
        inside = {ref: parent for ref, parent in parents.items() if parent is not None}
        if inside != self._inside:
            for ref in inside.keys() | self._inside.keys():
                touched |= self._used.get(ref, _NONE) | used.get(ref, _NONE)
        self._used, self._inside = used, inside
        self._asked = {ref: asked for ref, asked in self._asked.items() if ref in used}
        return concerned | {ref for ref, asked in self._asked.items() if asked & touched}

    def _note_users(
        self, ref: str, before: frozenset[_Group], now: frozenset[_Group]
    ) -> frozenset[_Group]:
        for group in before - now:
            self._users[group].remove(ref)
            if not self._users[group]:
                del self._users[group]
        for group in now - before:
            self._users.setdefault(group, set()).add(ref)
        return before ^ now

    def own_cgroups(self, container: Container) -> tuple[CgroupPath, ...]:
        """One for each hierarchy in which it has a group of its own; the host's is the root."""
        self._asked[container.ref] = set()
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
        group = first.hierarchy, path
        self._asked[container.ref].add(group)
        alone = all(self._is_in(ref, container.ref) for ref in self._users.get(group, ()))
        return first._replace(path=path) if alone else None

    def _is_in(self, ref: str | None, outer: str) -> bool:
        while ref is not None and ref != outer:
            ref = self._inside.get(ref)
        return ref == outer

    # In which groups, or below which, its processes are.
    def _groups_of(self, container: Container) -> frozenset[_Group]:
        # Thousands of processes share few values of cgroups, which are the same objects.
        members = (self._tasks[pid] for pid in container.members if pid in self._tasks)
        seen = {id(task.cgroups): task.cgroups for task in members}
        return frozenset().union(*map(_with_those_above, seen.values()))


# All but the roots.
@lru_cache(maxsize=8192)
def _with_those_above(cgroups: tuple[CgroupPath, ...]) -> tuple[_Group, ...]:
    found = []
    for hierarchy, _, path in cgroups:
        while path not in ("/", ""):
            found.append((hierarchy, path))
            path = os.path.dirname(path)
    return tuple(found)


# Index of a hierarchy -> the group in there that an engine has made.
@lru_cache(maxsize=8192)
def _made_by_engines(cgroups: tuple[CgroupPath, ...]) -> Mapping[int, CgroupPath]:
    paths = ((index, line, _recognised(line.path)) for index, line in enumerate(cgroups))
    return {index: line._replace(path=path) for index, line, path in paths if path is not None}


# What engines only lend their name to (the scope of a snap) may hold several sandboxes.
def _recognised(path: str) -> str | None:
    match = next(reversed(recognise(path)), None)
    whole = match is not None and match.kind == "container" and not match.monitor
    return match.path if match is not None and whole else None
