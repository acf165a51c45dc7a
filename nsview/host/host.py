"""The host: takes snapshots, and remembers between them what does not change."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from nsview.engines.base import Daemon, Record, Store
from nsview.engines.stores import DAEMONS, StoreSearch
from nsview.host.arrangement import Arrangement
from nsview.host.boot_clock import BootClock
from nsview.host.census import CensusSource
from nsview.host.census_choice import Wanted, choose_census
from nsview.host.containers import Facts, build_containers
from nsview.host.initial import find_initial
from nsview.host.membership import group_tasks
from nsview.host.model import Container, Snapshot, Traffic
from nsview.host.partial import partial_reasons
from nsview.host.pid_namespaces import PidNamespaces
from nsview.host.process_memory import ProcessMemory
from nsview.host.records import Records
from nsview.host.users import read_users
from nsview.kernel.cgroupfs import read_cgroupfs
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import CgroupPath, Task

if TYPE_CHECKING:
    from nsview.host.meter import Meter
    from nsview.host.resources import Resources
    from nsview.host.traffic import TrafficMeter

_MNT = KINDS.index("mnt")


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
        self._clock = BootClock(self.procfs)
        self._memory = ProcessMemory(self.procfs, self._clock)
        self._pid_namespaces = PidNamespaces(self.procfs)
        self._stores = StoreSearch()
        self._cgroupfs = read_cgroupfs()
        self._meter: Meter | None = None
        self._arrangement: Arrangement | None = None
        self._traffic: TrafficMeter | None = None

    @property
    def stores(self) -> tuple[Store, ...]:
        """The engines' directories, as the last snapshot found them."""
        return tuple(self._stores.found)

    def snapshot(
        self,
        *,
        commands: bool = False,
        stopped: bool = False,
        resources: bool = False,
        traffic: bool = False,
        rootfs: bool = True,
    ) -> Snapshot:
        """Look at the host now.

        commands: also read every process's command line.
        stopped: also list the containers that only exist on disk.
        resources: also read what each container uses; rates from the second time on.
        traffic: also read what their network namespaces carry; rates from the second time on.
        rootfs: read what each container's ``/`` is made of: a mount table for each.
        """
        began = time.perf_counter()
        tasks = self.source.read()
        made = self._arrange(tasks, (commands, stopped, rootfs))
        return Snapshot(
            tasks=tasks,
            containers=made.containers,
            membership=made.membership,
            initial=made.initial,
            commands=made.commands,
            pid_parents=made.pid_parents,
            resources=(
                self._read_resources(tasks, made.membership, made.containers) if resources else {}
            ),
            threads=self.source.threads,
            traffic=self._read_traffic(made.containers, made.initial) if traffic else {},
            boot_time=self._clock.boot_time,
            ticks=self._clock.ticks,
            taken=time.time(),
            duration=time.perf_counter() - began,
            partial=made.partial,
        )

    def _arrange(self, tasks: Mapping[int, Task], wanted: tuple[bool, ...]) -> Arrangement:
        initial = find_initial(self.procfs, tasks)
        records = self._read_records(tasks, initial)
        frozen = functools.cache(self._cgroupfs.read_frozen)
        made = self._arrangement
        if made is None or not made.still_holds(tasks, initial, records, wanted, frozen):
            self._memory.settled = True
            made = self._arrange_anew(tasks, initial, records, wanted, frozen)
            self._arrangement = made if self._memory.settled else None
        return made

    def _arrange_anew(
        self,
        tasks: Mapping[int, Task],
        initial: Mapping[str, int],
        records: tuple[Record, ...],
        wanted: tuple[bool, ...],
        read_frozen: Callable[[tuple[CgroupPath, ...]], bool],
    ) -> Arrangement:
        commands, stopped, rootfs = wanted
        memory = self._memory
        frozen: dict[tuple[CgroupPath, ...], bool] = {}

        def is_frozen(task: Task) -> bool:
            return frozen.setdefault(task.cgroups, read_frozen(task.cgroups))

        pid_parents = self._pid_namespaces.parents(tasks)
        host_root = memory.root_of_host(tasks, initial)
        groups = group_tasks(
            tasks, initial, pid_parents, lambda task: memory.root(task) in (None, host_root)
        )
        memory.forget(tasks)
        containers, membership = build_containers(
            groups,
            tasks,
            Records(records),
            initial,
            Facts(
                command=memory.command,
                rootfs=memory.rootfs if rootfs else lambda _: None,
                frozen=is_frozen,
                started=self._clock.started,
            ),
            stopped=stopped,
        )
        return Arrangement(
            tasks=tasks,
            initial=initial,
            records=records,
            wanted=wanted,
            frozen=frozen,
            containers=containers,
            membership=membership,
            commands={pid: memory.command(task) for pid, task in tasks.items()} if commands else {},
            pid_parents=pid_parents,
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
        return self._meter.read(tasks, membership, containers, self.source.ran)

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

    def _read_records(
        self, tasks: Mapping[int, Task], initial: Mapping[str, int]
    ) -> tuple[Record, ...]:
        stores = self._stores.find(tuple(self._daemons(tasks, initial)), read_users())
        return tuple(record for store in stores for record in store.read_records())

    def _daemons(self, tasks: Mapping[int, Task], initial: Mapping[str, int]) -> Iterator[Daemon]:
        # An engine inside a container (docker in docker, kind) keeps its files in there.
        for task in tasks.values():
            if task.comm in DAEMONS and not task.kernel_thread:
                inside = task.namespaces[_MNT] not in (0, initial["mnt"])
                yield Daemon(
                    pid=task.pid,
                    comm=task.comm,
                    command=self._memory.command(task),
                    uid=task.uid,
                    root=self.procfs.path(task.pid, "root") if inside else "/",
                )
