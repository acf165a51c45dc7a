"""From groups of processes and the engines' records to named containers."""

from __future__ import annotations

from nsview.engines.base import Match, Pod, Record
from nsview.host.cohorts import Cohort
from nsview.host.membership import Group, Key, service_of
from nsview.host.model import Container, ContainerKind, NamespaceUse, Rootfs, Status
from nsview.host.naming import free_ref, listing_order, short_id, unique_refs
from nsview.host.records import Records
from nsview.host.reference import HOST_REF
from nsview.host.users import user_name
from nsview.kernel.cgroup import preferred_path
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.light import lru_cache
from nsview.named_tuple import NamedTuple
from nsview.typed import Callable, Collection, Iterable, Mapping, Sequence


class Facts(NamedTuple):
    """What building a container asks of its first process; each may remember its answers."""

    command: Callable[[Task], tuple[str, ...]]
    rootfs: Callable[[Task], Rootfs | None]
    settled: Callable[[Task], bool]
    """What the two above have said will not change."""
    frozen: Callable[[Task], bool]
    started: Callable[[Task], float]


class _Grounds(NamedTuple):
    """All that a draft is made from: where this is the same, the draft is too."""

    cohorts: Sequence[Cohort]
    match: Match | None
    record: Record | None
    initial: Mapping[str, int]
    command: tuple[str, ...]
    rootfs: Rootfs | None
    frozen: bool


class _Known(NamedTuple):
    """What was built for a group, and the draft that it was finished from."""

    grounds: _Grounds
    launcher: Task | None
    settled: bool
    draft: Container
    container: Container


class ContainerBuilder:
    """Builds again and again; a container that nothing has changed about is the same object."""

    def __init__(self) -> None:
        self._known: dict[Key, _Known] = {}
        self._stopped: tuple[object, list[Container]] = ((), [])

    def build(
        self,
        groups: Mapping[Key, Group],
        tasks: Mapping[int, Task],
        records: Records,
        initial: Mapping[str, int],
        facts: Facts,
        *,
        stopped: bool,
        steady: bool = False,
    ) -> tuple[tuple[Container, ...], dict[int, str]]:
        """All containers with unique refs, and which process is in which; without the host.

        `steady`: only processes are others than they were the last time.
        """
        grounds, launchers = {}, {}
        for key, group in groups.items():
            launcher = tasks.get(group.first.ppid)
            known = self._known.get(key) if steady and group.unchanged else None
            launchers[key] = launcher
            if known is not None and known.settled and known.launcher is launcher:
                frozen = facts.frozen(group.first)
                same = known.grounds.frozen == frozen
                grounds[key] = known.grounds if same else known.grounds._replace(frozen=frozen)
            else:
                grounds[key] = _find_grounds(group, launcher, records, initial, facts)
        drafts = {key: self._draft(group, grounds[key], facts) for key, group in groups.items()}
        refs = unique_refs(drafts)
        membership: dict[int, str] = {}
        for key, group in groups.items():
            membership.update(dict.fromkeys(group.members, refs[key]))
        finished = {}
        for key, group in groups.items():
            parent = _parent(group, refs[key], refs, membership)
            container = self._finish(key, drafts[key], refs[key], parent)
            settled = facts.settled(group.first)
            finished[key] = _Known(grounds[key], launchers[key], settled, drafts[key], container)
        self._known = finished
        containers = [one.container for one in finished.values()]
        if stopped:
            used = frozenset(id(one.record) for one in grounds.values() if one.record is not None)
            containers += self._stopped_ones(records, used, frozenset(refs.values()))
        containers.sort(key=listing_order)
        return tuple(containers), membership

    def _draft(self, group: Group, grounds: _Grounds, facts: Facts) -> Container:
        known = self._known.get(group.key)
        if known is not None and (known.grounds is grounds or known.grounds == grounds):
            return known.draft
        return _draft(group, grounds, facts)

    def _finish(self, key: Key, draft: Container, ref: str, parent: str | None) -> Container:
        known = self._known.get(key)
        if known is not None and known.draft is draft:
            before = known.container
            if (before.ref, before.parent) == (ref, parent):
                return before
        return draft._replace(ref=ref, parent=parent)

    def _stopped_ones(
        self, records: Records, used: Collection[int], refs: Collection[str]
    ) -> list[Container]:
        grounds = records, used, refs
        if self._stopped[0] != grounds:
            left = [one for one in records.all if id(one) not in used]
            self._stopped = grounds, _stopped(left, set(refs))
        return self._stopped[1]


def _find_grounds(
    group: Group,
    launcher: Task | None,
    records: Records,
    initial: Mapping[str, int],
    facts: Facts,
) -> _Grounds:
    match, record = _identify(group, launcher, records, facts)
    first = group.first
    return _Grounds(
        cohorts=group.cohorts,
        match=match,
        record=record,
        initial=initial,
        command=facts.command(first),
        rootfs=facts.rootfs(first),
        frozen=facts.frozen(first),
    )


def _identify(
    group: Group, launcher: Task | None, records: Records, facts: Facts
) -> tuple[Match | None, Record | None]:
    # By its cgroup; or, as where users may make no cgroups, by its first process or by who launched
    # that (podman). What a user's files say is believed as to that user's processes, a command line
    # proves nothing: it is believed as to containers of the same user only.
    if group.match is not None:
        return group.match, records.find(group.match)
    named = records.of_first(group.first)
    if named is not None:
        return Match(engine=named.engine, id=named.id, user=named.user), named
    match = None if group.isolated else _launcher(group.first, launcher, facts)
    record = records.find(match) if match is not None and match.id else None
    if record is not None and (launcher is None or launcher.uid != record.user):
        return None, None
    return match, record


def _draft(group: Group, grounds: _Grounds, facts: Facts) -> Container:
    first, match, record = group.first, grounds.match, grounds.record
    engine = record.engine if record else match.engine if match else _nameless_engine(group)
    # Without an engine's id, the namespace that it is keyed by; never reused while it runs.
    container_id = match.id if match and match.id else group.inode
    kind: ContainerKind = "container"
    if record is not None and record.sandbox:
        kind = "pod"
    elif group.isolated or (match is not None and match.kind == "isolated"):
        kind = "isolated"
    status: Status = "paused" if grounds.frozen else "running"
    return Container(
        ref="",
        engine=engine,
        id=container_id,
        name=_name(group, record, match, first),
        image=record.image if record else None,
        kind=kind,
        status=status,
        pod=_pod(record, match),
        pid=first.pid,
        start_time=first.start_time,
        members=group.members,
        started=facts.started(first),
        uid=first.uid,
        user=user_name(first.uid),
        cgroup=preferred_path(first.cgroups) or None,
        namespaces=_namespaces(group, grounds.initial),
        rootfs=grounds.rootfs,
        command=grounds.command or (record.command if record else ()),
        driver=record.driver if record else None,
        home=record.home if record else None,
        ip=record.ip if record else None,
        veth=record.veth if record else None,
        owner=_owner(record, match),
        engine_namespace=record.namespace if record else match.namespace if match else None,
    )


def _launcher(first: Task, parent: Task | None, facts: Facts) -> Match | None:
    chain = [first] if parent is None else [first, parent]
    return _recognise_launcher(tuple((task.pid, task.comm, facts.command(task)) for task in chain))


@lru_cache(maxsize=2048)
def _recognise_launcher(chain: tuple[tuple[int, str, tuple[str, ...]], ...]) -> Match | None:
    # Who launched what does not change while both have the same command lines.
    from nsview.engines.launchers import Launcher, recognise_launcher  # where no cgroup tells

    return recognise_launcher([Launcher(*one) for one in chain])


def _nameless_engine(group: Group) -> str:
    # No engine knows it: somebody called unshare(2) or clone(2), as unshare(1) does. What runs as
    # a systemd unit got its namespaces from there.
    made_by_systemd = group.key[0] in ("unit", "mnt") and service_of(group.first)
    return "systemd" if made_by_systemd else "unshare"


def _name(group: Group, record: Record | None, match: Match | None, first: Task) -> str:
    if record is not None and record.name:
        return record.name
    if match is not None and match.name:
        return match.name
    if group.key[0] == "engine" and match is not None:
        return short_id(match.id)
    service = service_of(first) if group.key[0] in ("unit", "mnt") else None
    return service or first.comm


def _pod(record: Record | None, match: Match | None) -> Pod | None:
    if record is not None and record.pod is not None:
        return record.pod
    return Pod(uid=match.pod_uid) if match is not None and match.pod_uid else None


def _owner(record: Record | None, match: Match | None) -> int:
    if record is not None:
        return record.user
    return match.user or 0 if match is not None else 0


def _namespaces(group: Group, initial: Mapping[str, int]) -> dict[str, NamespaceUse]:
    """Those of its first process; where that may not be looked into, of another one."""
    shown = group.first
    if not any(shown.namespaces):
        shown = next((one for one in group.tasks if any(one.namespaces)), shown)
    return {
        kind: NamespaceUse(ino, ino != 0 and ino == initial[kind])
        for kind, ino in zip(KINDS, shown.namespaces, strict=True)
    }


def _parent(
    group: Group, own_ref: str, refs: Mapping[Key, str], membership: Mapping[int, str]
) -> str | None:
    # The enclosing cgroup says it best; else whoever started it; else nobody but the host.
    if group.outer is not None and group.outer in refs:
        return refs[group.outer]
    by_process = membership.get(group.first.ppid)
    return by_process if by_process != own_ref else None


def _stopped(records: Iterable[Record], taken: set[str]) -> list[Container]:
    containers = []
    for record in records:
        name = record.name or short_id(record.id)
        draft = Container(
            ref="",
            engine=record.engine,
            id=record.id,
            name=name,
            image=record.image,
            kind="pod" if record.sandbox else "container",
            status="stopped",
            pod=record.pod,
            started=record.started,
            uid=record.user,
            user=user_name(record.user),
            owner=record.user,
            engine_namespace=record.namespace,
            command=record.command,
            driver=record.driver,
            home=record.home,
        )
        containers.append(draft._replace(ref=free_ref(draft, taken)))
    return containers


def build_host(
    tasks: Mapping[int, Task],
    membership: Mapping[int, str],
    initial: Mapping[str, int],
    facts: Facts,
) -> Container:
    """The host itself: everybody who is in no container."""
    members = tuple(pid for pid in tasks if pid not in membership)
    first = tasks[members[0]] if members else None
    return Container(
        ref=HOST_REF,
        engine=HOST_REF,
        id=None,
        name=HOST_REF,
        kind="host",
        pid=first.pid if first else None,
        start_time=first.start_time if first else None,
        members=members,
        started=facts.started(first) if first else None,
        uid=first.uid if first else None,
        user=user_name(first.uid) if first else None,
        cgroup="/",
        namespaces={kind: NamespaceUse(ino, ino != 0) for kind, ino in initial.items()},
        rootfs=facts.rootfs(first) if first else None,
        command=facts.command(first) if first else (),
    )
