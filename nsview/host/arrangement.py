"""What is made of the processes of one look, for as long as it would come out the same.

On a quiet host the next look finds the same processes: some have run, some sleep now, and that
changes no container. Where some came or went, only what they are part of is put together again, and
whoever shows the rest sees the very same objects.
"""

from __future__ import annotations

from nsview.engines.base import Record
from nsview.host.cohorts import Cohorts
from nsview.host.containers import ContainerBuilder, Facts, build_host
from nsview.host.membership import Group, Key, group_tasks, renew_groups
from nsview.host.model import Container
from nsview.host.partial import partial_reasons
from nsview.host.records import Records
from nsview.host.task_changes import TaskChanges
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import CgroupPath, Task
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Callable, Mapping

if TYPE_CHECKING:
    from nsview.host.pid_namespaces import PidNamespaces
    from nsview.host.process_memory import ProcessMemory
    from nsview.kernel.procfs import Procfs

_INIT = 1
ReadFrozen = Callable[[tuple[CgroupPath, ...]], bool]


class Wanted(NamedTuple):
    """Which parts are asked for."""

    commands: bool
    stopped: bool
    rootfs: bool


class Arrangement(NamedTuple):
    """The containers, the host first, and what else was found out about the processes."""

    containers: tuple[Container, ...]
    membership: Mapping[int, str]
    commands: Mapping[int, tuple[str, ...]]
    pid_parents: Mapping[int, int]
    partial: tuple[str, ...]


class Given(NamedTuple):
    """What an arrangement is made of besides processes."""

    initial: Mapping[str, int]
    records: tuple[Record, ...]
    wanted: Wanted


class Arranger:
    """Knows the last arrangement, and is told of every change since. Not thread-safe."""

    def __init__(
        self,
        procfs: Procfs,
        memory: ProcessMemory,
        pid_namespaces: PidNamespaces,
        started: Callable[[Task], float],
    ) -> None:
        self._procfs = procfs
        self._memory = memory
        self._pid_namespaces = pid_namespaces
        self._started = started
        self._builder = ContainerBuilder()
        self._cohorts = Cohorts(())
        self._groups: dict[Key, Group] = {}
        self._launchers: frozenset[int] = frozenset()
        self._unreadable: set[int] = set()
        self._commands: dict[int, tuple[str, ...]] | None = None
        self._frozen: dict[tuple[CgroupPath, ...], bool] = {}
        self._records = Records(())
        self._given: Given | None = None
        self._made: Arrangement | None = None

    def arrange(
        self,
        tasks: Mapping[int, Task],
        changes: TaskChanges,
        given: Given,
        read_frozen: ReadFrozen,
    ) -> Arrangement:
        """`changes`: since the last call; at the first one everybody came."""
        concerns_containers = self._take_in(tasks, changes, given)
        holds = self._given == given and self._memory.settled and not concerns_containers
        # The freezer is asked last, for it costs most.
        holds = holds and all(read_frozen(one) == was for one, was in self._frozen.items())
        made = self._made if holds else None
        if made is None or not changes.none:
            made = self._arrange(tasks, given, read_frozen, made)
        self._given, self._made = given, made
        return made

    def _take_in(self, tasks: Mapping[int, Task], changes: TaskChanges, given: Given) -> bool:
        # The host's own processes make no container, unless one of them has launched it.
        self._unreadable.difference_update(task.pid for task in changes.gone)
        self._unreadable.update(task.pid for task in changes.came if not any(task.namespaces))
        self._follow_commands(tasks, changes, given)
        host = tuple(given.initial[kind] for kind in KINDS)
        if host != self._cohorts.host:
            self._cohorts = Cohorts(host)
            return self._cohorts.update((), tasks.values())
        return self._cohorts.update(changes.gone, changes.came) or any(
            task.pid in self._launchers for task in (*changes.gone, *changes.came)
        )

    def _follow_commands(
        self, tasks: Mapping[int, Task], changes: TaskChanges, given: Given
    ) -> None:
        if not given.wanted.commands:
            self._commands = None
        elif self._commands is None:
            self._commands = {pid: self._memory.command(task) for pid, task in tasks.items()}
        elif not changes.none:
            self._commands = self._commands.copy()
            for task in changes.gone:
                del self._commands[task.pid]
            for task in changes.came:
                self._commands[task.pid] = self._memory.command(task)

    def _arrange(
        self,
        tasks: Mapping[int, Task],
        given: Given,
        read_frozen: ReadFrozen,
        made: Arrangement | None,
    ) -> Arrangement:
        """`made`: the containers that are known still hold; only the host is another one."""
        memory = self._memory
        frozen: dict[int, tuple[tuple[CgroupPath, ...], bool]] = {}

        def is_frozen(task: Task) -> bool:
            # Hundreds share few values, which are the same objects: those need not be hashed.
            if id(task.cgroups) not in frozen:
                frozen[id(task.cgroups)] = task.cgroups, read_frozen(task.cgroups)
            return frozen[id(task.cgroups)][1]

        facts = Facts(
            command=memory.command,
            rootfs=memory.rootfs if given.wanted.rootfs else lambda _: None,
            settled=memory.knows_root if given.wanted.rootfs else lambda _: True,
            frozen=is_frozen,
            started=self._started,
        )
        if made is None:
            pid_parents = self._group(tasks, given.initial)
            containers, membership = self._builder.build(
                self._groups, tasks, self._records_of(given), given.initial, facts,
                stopped=given.wanted.stopped, steady=self._given == given,
            )  # fmt: skip
            self._frozen = dict(frozen.values())
            made = Arrangement(containers, membership, {}, pid_parents, ())
        else:
            made = made._replace(containers=made.containers[1:])
        memory.forget(tasks)
        host = build_host(tasks, made.membership, given.initial, facts)
        telling = sorted(self._unreadable.union({_INIT} & tasks.keys()))
        return made._replace(
            containers=(host, *made.containers),
            commands=self._commands or {},
            partial=partial_reasons(
                self._procfs, {pid: tasks[pid] for pid in telling}, given.initial
            ),
        )

    def _one_of_each(self, tasks: Mapping[int, Task]) -> dict[int, Task]:
        # Of each pid namespace: one of the host's own, and of everybody else.
        one = next(iter(tasks.values()), None)
        found = {} if one is None else {one.pid: one}
        return found | {cohort[0].pid: cohort[0] for cohort in self._cohorts.all}

    def _group(self, tasks: Mapping[int, Task], initial: Mapping[str, int]) -> Mapping[int, int]:
        """Returns which pid namespace is inside which."""
        settled, self._memory.settled = self._memory.settled, True
        made, replaced = self._made, self._cohorts.replaced
        same = self._given is not None and self._given.initial == initial
        if made is not None and same and settled and replaced is not None:
            groups = renew_groups(self._groups, replaced)
            pid_parents = made.pid_parents
        else:
            groups = None
        if groups is None:
            pid_parents = self._pid_namespaces.parents(self._one_of_each(tasks))
            groups = self._group_anew(tasks, initial, pid_parents)
        self._groups = groups
        self._launchers = frozenset(group.first.ppid for group in groups.values())
        return pid_parents

    def _group_anew(
        self, tasks: Mapping[int, Task], initial: Mapping[str, int], pid_parents: Mapping[int, int]
    ) -> dict[Key, Group]:
        memory = self._memory
        host_root = memory.root_of_host(tasks, initial)
        groups = group_tasks(
            self._cohorts.all,
            initial,
            pid_parents,
            lambda task: memory.root(task) in (None, host_root),
        )
        for key, group in groups.items():
            if key in self._groups:
                group.learn_from(self._groups[key])
        return groups

    def _records_of(self, given: Given) -> Records:
        if self._records.all != given.records:
            self._records = Records(given.records)
        return self._records
