"""From groups of processes and the engines' records to named containers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping

from nsview.engines.base import Match, Pod, Record
from nsview.host.membership import Group, Key, service_of
from nsview.host.model import Container, ContainerKind, NamespaceUse, Rootfs, Status
from nsview.host.naming import free_ref, listing_order, short_id, unique_refs
from nsview.host.records import Records
from nsview.host.reference import HOST_REF
from nsview.host.users import user_name
from nsview.kernel.cgroup import preferred_path
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.named_tuple import NamedTuple


class Facts(NamedTuple):
    """What building a container asks of its first process; each may remember its answers."""

    command: Callable[[Task], tuple[str, ...]]
    rootfs: Callable[[Task], Rootfs | None]
    frozen: Callable[[Task], bool]
    started: Callable[[Task], float]


def build_containers(
    groups: Mapping[Key, Group],
    tasks: Mapping[int, Task],
    records: Records,
    initial: Mapping[str, int],
    facts: Facts,
    *,
    stopped: bool,
) -> tuple[tuple[Container, ...], dict[int, str]]:
    """All containers with unique refs, the host first, and which process is in which."""
    drafts: dict[Key, Container] = {}
    used: set[int] = set()
    for key, group in groups.items():
        match, record = _identify(group, tasks, records, facts)
        if record is not None:
            used.add(id(record))
        drafts[key] = _draft(group, match, record, initial, facts)
    refs = unique_refs(drafts)
    membership = {task.pid: refs[key] for key, group in groups.items() for task in group.tasks}
    containers = [
        draft._replace(ref=refs[key], parent=_parent(groups[key], refs[key], refs, membership))
        for key, draft in drafts.items()
    ]
    if stopped:
        taken = set(refs.values())
        containers += _stopped([one for one in records.all if id(one) not in used], taken)
    containers.sort(key=listing_order)
    return (_host(tasks, membership, initial, facts), *containers), membership


def _identify(
    group: Group, tasks: Mapping[int, Task], records: Records, facts: Facts
) -> tuple[Match | None, Record | None]:
    # By its cgroup; or, as where users may make no cgroups, by its first process or by who launched
    # that (podman). What a user's files say is believed as to that user's processes, a command line
    # proves nothing: it is believed as to containers of the same user only.
    if group.match is not None:
        return group.match, records.find(group.match)
    named = records.of_first(group.first)
    if named is not None:
        return Match(engine=named.engine, id=named.id, user=named.user), named
    match = None if group.isolated else _launcher(group.first, tasks, facts)
    record = records.find(match) if match is not None and match.id else None
    launcher = tasks.get(group.first.ppid)
    if record is not None and (launcher is None or launcher.uid != record.user):
        return None, None
    return match, record


def _draft(
    group: Group,
    match: Match | None,
    record: Record | None,
    initial: Mapping[str, int],
    facts: Facts,
) -> Container:
    first = group.first
    engine = record.engine if record else match.engine if match else _nameless_engine(group)
    # Without an engine's id, the namespace that it is keyed by; never reused while it runs.
    container_id = match.id if match and match.id else group.inode
    kind: ContainerKind = "container"
    if record is not None and record.sandbox:
        kind = "pod"
    elif group.isolated or (match is not None and match.kind == "isolated"):
        kind = "isolated"
    command = facts.command(first)
    status: Status = "paused" if facts.frozen(first) else "running"
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
        members=tuple(sorted(task.pid for task in group.tasks)),
        started=facts.started(first),
        uid=first.uid,
        user=user_name(first.uid),
        cgroup=preferred_path(first.cgroups) or None,
        namespaces=_namespaces(first, initial),
        rootfs=facts.rootfs(first),
        command=command or (record.command if record else ()),
        driver=record.driver if record else None,
        home=record.home if record else None,
        ip=record.ip if record else None,
        veth=record.veth if record else None,
        owner=_owner(record, match),
        engine_namespace=record.namespace if record else match.namespace if match else None,
    )


def _launcher(first: Task, tasks: Mapping[int, Task], facts: Facts) -> Match | None:
    parent = tasks.get(first.ppid)
    chain = [first] if parent is None else [first, parent]
    return _recognise_launcher(tuple((task.pid, task.comm, facts.command(task)) for task in chain))


@functools.lru_cache(maxsize=2048)
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


def _namespaces(first: Task, initial: Mapping[str, int]) -> dict[str, NamespaceUse]:
    return {
        kind: NamespaceUse(ino, ino != 0 and ino == initial[kind])
        for kind, ino in zip(KINDS, first.namespaces, strict=True)
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


def _host(
    tasks: Mapping[int, Task],
    membership: Mapping[int, str],
    initial: Mapping[str, int],
    facts: Facts,
) -> Container:
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
