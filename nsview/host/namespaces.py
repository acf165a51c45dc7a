"""Every namespace of the host, from every place that can hold one, and why it is alive.

Processes are not the only ones: a thread that left its process's namespaces, an open descriptor, a
bind mount in whatever mount namespace, a socket, or another namespace that has it as parent or
owner will do (namespaces(7), "The lifetime of namespaces").
"""

from __future__ import annotations

from nsview.host.found import Found
from nsview.host.model import Namespace, Snapshot
from nsview.host.namespace_search import NamespaceSearch
from nsview.host.users import user_name
from nsview.kernel.cmdline import read_command
from nsview.kernel.namespaces import KINDS
from nsview.light import cache, partial
from nsview.typed import TYPE_CHECKING, Callable, Collection

if TYPE_CHECKING:
    from nsview.host.census import CensusSource
    from nsview.kernel.procfs import Procfs


def read_namespaces(
    procfs: Procfs,
    snapshot: Snapshot,
    *,
    kinds: Collection[str] = KINDS,
    sockets: bool = False,
    holders: bool = True,
    source: CensusSource | None = None,
    commands: bool = False,
) -> tuple[Namespace, ...]:
    """Find the namespaces of these kinds, by kind (in the order of `KINDS`) and inode.

    sockets: also borrow every socket of every process, and ask it for its network namespace.
    holders: look beyond processes, into threads, descriptors and mount tables, and fill `held_by`.

    source: where the snapshot's tasks came from; it may know all descriptors of namespaces.
    commands: read the command line of the process that each is shown with, if the snapshot has
    none.

    What may not be read is left out, or None in the result. No namespace is kept open, and so
    none alive, when this returns.
    """
    tasks = snapshot.tasks.values()
    with NamespaceSearch(procfs, _kinds_to_search(kinds)) as search:
        search.look_at_processes(tasks)
        if holders:
            search.look_at_threads(tasks, snapshot.threads)
            descriptors = source.namespace_descriptors() if source is not None else None
            search.look_at_descriptors(tasks, descriptors)
            if sockets and "net" in kinds:
                search.look_at_sockets(tasks)
            search.look_at_mounts()
        search.ask_the_kernel()
        if holders:
            search.look_at_the_kernels_list()
            search.look_at_relatives()
    wanted = (found for found in search.found.values() if found.kind in kinds)
    # A container's first process is shown with all of its namespaces.
    command_of = cache(partial(_command, snapshot, procfs if commands else None))
    return tuple(
        _namespace(found, snapshot, command_of, holders=holders)
        for found in sorted(wanted, key=_order)
    )


def _kinds_to_search(kinds: Collection[str]) -> frozenset[str]:
    # A user namespace may be there for nothing but what it owns, of whatever kind.
    return frozenset(KINDS if "user" in kinds else kinds)


def _order(found: Found) -> tuple[int, int]:
    return KINDS.index(found.kind), found.ino


def _namespace(
    found: Found, snapshot: Snapshot, command_of: Callable[[int], str | None], *, holders: bool
) -> Namespace:
    facts = found.facts
    pid = found.member[0] if found.member else None
    task = snapshot.tasks.get(pid) if pid is not None else None
    return Namespace(
        kind=found.kind,
        ino=found.ino,
        id=facts.id if facts else None,
        initial=snapshot.initial.get(found.kind) == found.ino,
        processes=found.processes,
        threads=found.threads,
        pid=pid,
        ppid=task.ppid if task else None,
        command=command_of(pid) if pid is not None else None,
        uid=task.uid if task else None,
        user=user_name(task.uid) if task else None,
        parent=facts.parent if facts else None,
        owner=facts.owner if facts else None,
        owner_uid=facts.owner_uid if facts else None,
        netnsid=found.netnsid,
        nsfs=tuple(dict.fromkeys(found.nsfs)),  # `ip netns` mounts on both sides of a bind
        path=found.path,
        mounts=facts.mounts if facts else None,
        container=snapshot.membership.get(pid) if pid is not None else None,
        held_by=found.held_by if holders else (),
    )


def _command(snapshot: Snapshot, reader: Procfs | None, pid: int) -> str | None:
    if pid not in snapshot.tasks:
        return None
    words = snapshot.commands.get(pid)
    if words is None and reader is not None and not snapshot.tasks[pid].kernel_thread:
        try:
            words = read_command(reader, pid)
        except PermissionError:
            words = None
    return " ".join(words or ()) or snapshot.tasks[pid].comm
