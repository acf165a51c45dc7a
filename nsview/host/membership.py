"""Which process belongs to which container: four rules, tried in this order.

1. An engine recognises its cgroup path; the last match on the path wins. Monitors (conmon,
   lxc.monitor) serve a container and are no members of it.
2. It is outside the host's pid namespace: keyed by the outermost pid namespace that no engine
   has claimed.
3. Its root is not the host's root: keyed by its mount namespace.
4. It has some namespace of its own and the host's root: isolated, keyed by its systemd unit, or by
   the namespaces themselves.

Nothing else makes a container in the kernel's eyes: there is no such object, only processes with a
changed view.
"""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.recognise import recognise
from nsview.engines.systemd import unit_of
from nsview.host.cohorts import Cohort, Replaced
from nsview.host.pid_map import pid_ns_chain
from nsview.kernel.cgroup import preferred_path
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import CgroupPath, Task
from nsview.light import lru_cache
from nsview.typed import Callable, Collection, Iterable, Mapping

_MNT = KINDS.index("mnt")
_PID = KINDS.index("pid")

Key = tuple[str, str]
"""("engine", id), ("pid", inode), ("mnt", inode), ("unit", name) or ("set", inodes)."""


class Group:
    """Processes of one container, before it has a name."""

    __slots__ = ("_first", "_members", "cohorts", "key", "match", "outer", "unchanged")

    def __init__(self, key: Key, match: Match | None = None, outer: Key | None = None) -> None:
        """`outer` is the key of the enclosing match on the same cgroup path."""
        self.key = key
        self.match = match
        self.outer = outer
        self.cohorts: list[Cohort] = []
        self._first: Task | None = None
        self._members: tuple[int, ...] | None = None
        self.unchanged = False
        """It is what it was when it was last put together."""

    @property
    def isolated(self) -> bool:
        """It has namespaces of its own, but the host's root."""
        return self.key[0] in ("unit", "set")

    @property
    def inode(self) -> str | None:
        """The namespace that it is keyed by, when it is one and readable."""
        kind, value = self.key
        return value if kind in ("pid", "mnt") and value.isdigit() else None

    @property
    def tasks(self) -> list[Task]:
        """All of them, those of one cohort after those of another."""
        return [task for cohort in self.cohorts for task in cohort]

    @property
    def first(self) -> Task:
        """Its first process: number 1 of its outermost pid namespace, else the oldest root.

        To be asked for when the group is whole.
        """
        if self._first is None:
            self._first = self._find_first()
        return self._first

    @property
    def members(self) -> tuple[int, ...]:
        """Pids of all of them, ascending. To be asked for when the group is whole."""
        if self._members is None:
            self._members = tuple(sorted(task.pid for task in self.tasks))
        return self._members

    def learn_from(self, before: Group) -> None:
        """Of the same processes need not be found out again what is known."""
        if self.cohorts == before.cohorts:
            self._first, self._members = before._first, before._members
            self.unchanged = (self.match, self.outer) == (before.match, before.outer)

    def _find_first(self) -> Task:
        tasks = self.tasks
        leaders = [task for task in tasks if task.pids[-1] == 1 and len(task.pids) > 1]
        if len(leaders) == 1:
            return leaders[0]
        pids = {task.pid for task in tasks}

        def rank(task: Task) -> tuple[int, bool, int, int]:
            return len(task.pids), task.ppid in pids, task.start_time, task.pid

        return min(leaders or tasks, key=rank)


def group_tasks(
    cohorts: Iterable[Cohort],
    initial: Mapping[str, int],
    pid_parents: Mapping[int, int],
    has_host_root: Callable[[Task], bool],
) -> dict[Key, Group]:
    """Put every process that is not simply the host's own into its group.

    `cohorts`: those, as `nsview.host.cohorts.Cohorts` has them. `has_host_root` is asked once for
    every process outside the host's mount namespace that no engine recognises; it may remember its
    answers.
    """
    host = tuple(initial[kind] for kind in KINDS)
    groups: dict[Key, Group] = {}
    rest = []
    for cohort in cohorts:
        matches = _matched(cohort[0], host)
        if matches:
            outer = _engine_key(matches[:-1])
            _join(groups, _engine_key(matches), cohort, matches[-1], outer)
        else:
            rest.append(cohort)
    rest = _join_owners(groups, rest, host)
    claimed = {one[0].namespaces[_PID] for group in groups.values() for one in group.cohorts}
    claimed.add(host[_PID])
    leaders = _unreadable_leaders(rest)
    for cohort in rest:
        _join(groups, _key_by_pid_ns(cohort[0], host, claimed, pid_parents, leaders), cohort)
    rest = [cohort for cohort in rest if not _outside_pid_ns(cohort[0], host)]
    for cohort in _join_owners(groups, rest, host):
        for task in cohort:  # who has called chroot(2) has another root than the others
            _join(groups, _key_by_root(task, host, has_host_root), (task,))
    return groups


def renew_groups(groups: Mapping[Key, Group], replaced: Replaced) -> dict[Key, Group] | None:
    """What `group_tasks` would say of the same cohorts, some of which have other members now.

    Which group a cohort is in, its first process tells. None where single ones had a say.
    """
    found = {}
    left = len(replaced)
    for key, group in groups.items():
        if not all(cohort[0].namespaces[_PID] for cohort in group.cohorts):
            return None  # children tell of a hidden leader, whoever they are
        others = [replaced.get(id(cohort)) for cohort in group.cohorts]
        found[key] = group
        if any(others):
            left -= len(others) - others.count(None)
            found[key] = renewed = Group(key, group.match, group.outer)
            pairs = zip(group.cohorts, others, strict=True)
            renewed.cohorts = [cohort if other is None else other[1] for cohort, other in pairs]
        else:
            group.unchanged = True
    return None if left else found


@lru_cache(maxsize=8192)
def cgroup_matches(cgroups: tuple[CgroupPath, ...]) -> tuple[Match, ...]:
    """What the engines recognise in /proc/PID/cgroup, outermost first.

    On cgroup v1 and hybrid hosts the controllers may disagree; the unified hierarchy is asked
    first, then systemd's own, then the others, and the first path that says anything wins.
    """
    matches = recognise(preferred_path(cgroups))
    if matches:
        return matches
    return next(filter(None, (recognise(line.path) for line in cgroups)), ())


def service_of(task: Task) -> str | None:
    """The systemd service that a process is part of, which may have made its namespaces.

    A login session (session-3.scope, user@1000.service) makes none: whoever is in there did.
    """
    unit = unit_of(preferred_path(task.cgroups))
    if unit is None or not unit.endswith(".service") or unit.startswith("user@"):
        return None
    return unit


def _matched(task: Task, host: tuple[int, ...]) -> tuple[Match, ...]:
    # Every engine gives its containers a mount namespace; whoever is in the host's only serves.
    if task.namespaces[_MNT] == host[_MNT] != 0:
        return ()
    return tuple(
        match
        for match in cgroup_matches(task.cgroups)
        if match.kind == "container" and not match.monitor
    )


def _engine_key(matches: tuple[Match, ...]) -> Key | None:
    # Who is root in a container may name cgroups in there as it likes, after another container
    # too: an inner id counts only together with the outer ones.
    ids = [f"{match.engine}/{match.namespace or ''}/{match.id}" for match in matches]
    return ("engine", " ".join(ids)) if ids else None


def _join_owners(
    groups: dict[Key, Group], cohorts: list[Cohort], host: tuple[int, ...]
) -> list[Cohort]:
    # Who entered a container by setns kept its own cgroup, but is where that container is.
    mounts: dict[int, Key] = {}
    pids: dict[int, Key] = {}
    for key, group in groups.items():
        for cohort in group.cohorts:
            mounts.setdefault(cohort[0].namespaces[_MNT], key)
            pids.setdefault(cohort[0].namespaces[_PID], key)
    for known, of_host in ((mounts, host[_MNT]), (pids, host[_PID])):
        known.pop(0, None)
        known.pop(of_host, None)
    left = []
    for cohort in cohorts:
        namespaces = cohort[0].namespaces
        owner = mounts.get(namespaces[_MNT]) or pids.get(namespaces[_PID])
        if owner is None:
            left.append(cohort)
        else:
            groups[owner].cohorts.append(cohort)
    return left


def _outside_pid_ns(task: Task, host: tuple[int, ...]) -> bool:
    # Where its namespaces may not be read, several numbers still betray one of its own.
    return task.namespaces[_PID] not in (0, host[_PID]) or len(task.pids) > 1


def _unreadable_leaders(cohorts: Collection[Cohort]) -> dict[int, int]:
    """Pid namespaces whose number 1 may not be looked into, as others in them may; and that PID.

    So it is for a user whose sandbox protects its number 1 (PR_SET_DUMPABLE). Children are in the
    same one as their parent if they have as many numbers.
    """
    # Whoever may not be looked into is a cohort alone.
    closed = {
        cohort[0].pid: len(cohort[0].pids)
        for cohort in cohorts
        if not cohort[0].namespaces[_PID] and cohort[0].pids[-1] == 1 < len(cohort[0].pids)
    }
    return {
        task.namespaces[_PID]: task.ppid
        for cohort in (cohorts if closed else ())
        for task in cohort
        if task.namespaces[_PID] and closed.get(task.ppid) == len(task.pids)
    }


def _key_by_pid_ns(
    task: Task,
    host: tuple[int, ...],
    claimed: set[int],
    pid_parents: Mapping[int, int],
    leaders: Mapping[int, int],
) -> Key | None:
    if not _outside_pid_ns(task, host):
        return None
    pid_ns = task.namespaces[_PID]
    if pid_ns == 0:
        return "pid", f"of {task.pid if task.pids[-1] == 1 else task.ppid}"
    free = [ino for ino in pid_ns_chain(pid_ns, pid_parents) if ino not in claimed]
    if free[0] in leaders:
        return "pid", f"of {leaders[free[0]]}"
    return "pid", str(free[0])


def _key_by_root(
    task: Task, host: tuple[int, ...], has_host_root: Callable[[Task], bool]
) -> Key | None:
    mnt_ns = task.namespaces[_MNT]
    if mnt_ns not in (0, host[_MNT]) and not has_host_root(task):
        return "mnt", str(mnt_ns)
    own = [
        str(ino)
        for ino, of_host in zip(task.namespaces, host, strict=True)
        if ino not in (0, of_host)
    ]
    if not own:
        return None  # nothing readable says that it is not the host's
    service = service_of(task)
    return ("unit", service) if service else ("set", ",".join(own))


def _join(
    groups: dict[Key, Group],
    key: Key | None,
    cohort: Cohort,
    match: Match | None = None,
    outer: Key | None = None,
) -> None:
    if key is None:
        return
    if key not in groups:
        groups[key] = Group(key, match, outer)
    groups[key].cohorts.append(cohort)
