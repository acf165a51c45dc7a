"""The host: takes snapshots, and remembers between them what does not change."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from nsview.engines.base import Daemon, Record, Store
from nsview.engines.stores import DAEMONS, find_stores
from nsview.host.census import CensusSource
from nsview.host.census_choice import Wanted, choose_census
from nsview.host.containers import Facts, build_containers
from nsview.host.initial import find_initial
from nsview.host.membership import group_tasks
from nsview.host.model import Container, Rootfs, Snapshot, Traffic
from nsview.host.partial import partial_reasons
from nsview.host.pid_namespaces import PidNamespaces
from nsview.host.records import Records
from nsview.host.roots import Root, read_root
from nsview.host.users import read_users
from nsview.kernel.cgroupfs import read_cgroupfs
from nsview.kernel.cmdline import read_command
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.kernel.uptime import read_boot_time

if TYPE_CHECKING:
    from nsview.host.meter import Meter
    from nsview.host.resources import Resources
    from nsview.host.traffic import TrafficMeter

_MNT = KINDS.index("mnt")
_INIT = 1

#: A container's root is set up (pivot_root) within moments of its first process; until then what
#: was read of it is not remembered.
_SETTLED_SECONDS = 5.0


#: Looking for what may be forgotten costs more than keeping so many things.
_SPARE = 1024


class Host:
    """One host as seen through its /proc. Not thread-safe: one scanner owns it."""

    def __init__(
        self,
        procfs: Procfs | None = None,
        source: CensusSource | None = None,
        *,
        census: Wanted = "auto",
    ) -> None:
        """`census` says where rows come from when no `source` is given: see `choose_census`."""
        self.procfs = procfs or Procfs()
        self.source = source or choose_census(self.procfs, census)
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._boot_time = read_boot_time(self.procfs)
        self._pid_namespaces = PidNamespaces(self.procfs)
        self._commands: dict[tuple[int, int, str], tuple[str, ...]] = {}
        self._roots: dict[tuple[int, int, int], Root | None] = {}
        self._stores: list[Store] = []
        self._cgroupfs = read_cgroupfs()
        self._meter: Meter | None = None
        self._traffic: TrafficMeter | None = None

    @property
    def stores(self) -> tuple[Store, ...]:
        """The engines' directories, as the last snapshot found them."""
        return tuple(self._stores)

    def snapshot(
        self,
        *,
        commands: bool = False,
        stopped: bool = False,
        resources: bool = False,
        traffic: bool = False,
    ) -> Snapshot:
        """Look at the host now.

        commands: also read every process's command line.
        stopped: also list the containers that only exist on disk.
        resources: also read what each container uses; rates from the second time on.
        traffic: also read what their network namespaces carry; rates from the second time on.
        """
        began = time.perf_counter()
        tasks = self.source.read()
        initial = find_initial(self.procfs, tasks)
        pid_parents = self._pid_namespaces.parents(tasks)
        host_root = self._root_of_host(tasks, initial)
        groups = group_tasks(
            tasks, initial, pid_parents, lambda task: self._root(task) in (None, host_root)
        )
        self._forget(tasks)
        containers, membership = build_containers(
            groups,
            tasks,
            Records(self._read_records(tasks, initial)),
            initial,
            Facts(
                command=self._command,
                rootfs=self._rootfs,
                frozen=lambda task: self._cgroupfs.read_frozen(task.cgroups),
                started=lambda task: self._boot_time + task.start_time / self._ticks,
            ),
            stopped=stopped,
        )
        return Snapshot(
            tasks=tasks,
            containers=containers,
            membership=membership,
            initial=initial,
            commands={pid: self._command(task) for pid, task in tasks.items()} if commands else {},
            pid_parents=pid_parents,
            resources=self._read_resources(tasks, membership, containers) if resources else {},
            threads=self.source.threads,
            traffic=self._read_traffic(containers, initial) if traffic else {},
            boot_time=self._boot_time,
            ticks=self._ticks,
            taken=time.time(),
            duration=time.perf_counter() - began,
            partial=partial_reasons(self.procfs, tasks, initial),
        )

    def _read_resources(
        self,
        tasks: Mapping[int, Task],
        membership: Mapping[int, str],
        containers: Iterable[Container],
    ) -> Mapping[str, Resources]:
        if self._meter is None:
            from nsview.host.meter import Meter

            self._meter = Meter(self.procfs, self._cgroupfs)
        return self._meter.read(tasks, membership, containers)

    def _read_traffic(
        self, containers: Iterable[Container], initial: Mapping[str, int]
    ) -> Mapping[int, Traffic]:
        if self._traffic is None:
            from nsview.host.traffic import TrafficMeter

            self._traffic = TrafficMeter(self.procfs)
        members: dict[int, list[int]] = {}
        for one in containers:
            use = one.namespaces.get("net")
            if use is not None and use.ino and one.pid is not None:
                members.setdefault(use.ino, []).append(one.pid)
        return self._traffic.read_traffic(members, initial["net"])

    def _command(self, task: Task) -> tuple[str, ...]:
        # execve may replace the command line, and nearly always the comm with it.
        key = (task.pid, task.start_time, task.comm)
        if key not in self._commands:
            self._commands[key] = () if task.kernel_thread else self._read_command(task.pid)
        return self._commands[key]

    def _read_command(self, pid: int) -> tuple[str, ...]:
        try:
            return read_command(self.procfs, pid) or ()
        except PermissionError:
            return ()

    def _rootfs(self, task: Task) -> Rootfs | None:
        root = self._root(task)
        return root.rootfs if root else None

    def _root_of_host(self, tasks: Mapping[int, Task], initial: Mapping[str, int]) -> Root | None:
        # PID 1's, where it may be read; else that of anybody in the host's mount namespace.
        for task in tasks.values():
            if task.namespaces[_MNT] == initial["mnt"] and not task.kernel_thread:
                root = self._root(task)
                if root is not None:
                    return root
        return read_root(self.procfs, os.getpid())

    def _root(self, task: Task) -> Root | None:
        key = (task.pid, task.start_time, task.namespaces[_MNT])
        if key in self._roots:
            return self._roots[key]
        root = read_root(self.procfs, task.pid)
        age = time.time() - self._boot_time - task.start_time / self._ticks
        if age > _SETTLED_SECONDS:
            self._roots[key] = root
        return root

    def _forget(self, tasks: Mapping[int, Task]) -> None:
        # What was remembered of processes that are gone, once it is as much as of those there.
        if len(self._commands) + len(self._roots) < 2 * len(tasks) + _SPARE:
            return
        identities = {task.identity for task in tasks.values()}
        self._commands = {k: v for k, v in self._commands.items() if k[:2] in identities}
        self._roots = {k: v for k, v in self._roots.items() if k[:2] in identities}

    def _read_records(self, tasks: Mapping[int, Task], initial: Mapping[str, int]) -> list[Record]:
        daemons = list(self._daemons(tasks, initial))
        self._stores = find_stores(daemons, read_users(), known=self._stores)
        return [record for store in self._stores for record in store.read_records()]

    def _daemons(self, tasks: Mapping[int, Task], initial: Mapping[str, int]) -> Iterator[Daemon]:
        # An engine inside a container (docker in docker, kind) keeps its files in there.
        for task in tasks.values():
            if task.comm in DAEMONS and not task.kernel_thread:
                inside = task.namespaces[_MNT] not in (0, initial["mnt"])
                yield Daemon(
                    pid=task.pid,
                    comm=task.comm,
                    command=self._command(task),
                    uid=task.uid,
                    root=self.procfs.path(task.pid, "root") if inside else "/",
                )
