"""The host: takes snapshots, and remembers between them what does not change."""

from __future__ import annotations

import time

from nsview.engines.base import Daemon, Record, Store
from nsview.engines.stores import DAEMONS, StoreSearch
from nsview.host import census_choice
from nsview.host.arrangement import Arrangement, Arranger, Given, Wanted
from nsview.host.boot_clock import BootClock
from nsview.host.census import CensusSource
from nsview.host.freezer import Freezer
from nsview.host.initial import find_initial
from nsview.host.model import Container, Snapshot, Traffic
from nsview.host.pid_namespaces import PidNamespaces
from nsview.host.process_memory import ProcessMemory
from nsview.host.task_changes import TaskChanges, find_task_changes, has_rested
from nsview.host.users import read_users
from nsview.kernel.cgroup_files import KeptFiles
from nsview.kernel.cgroupfs import read_cgroupfs
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.typed import TYPE_CHECKING, Collection, Iterable, Iterator, Mapping

if TYPE_CHECKING:
    from nsview.host.meter import Meter
    from nsview.host.resources import Resources
    from nsview.host.traffic import TrafficMeter

_MNT, _NET = KINDS.index("mnt"), KINDS.index("net")


class Host:
    """One host as seen through its /proc. Not thread-safe: one scanner owns it."""

    def __init__(
        self,
        procfs: Procfs | None = None,
        source: CensusSource | None = None,
        *,
        census: census_choice.Wanted = "auto",
    ) -> None:
        """`census` says where rows come from when no `source` is given: see `choose_census`."""
        self.procfs = procfs or Procfs()
        self.source = source or census_choice.choose_census(self.procfs, census)
        self._clock = BootClock(self.procfs)
        self._memory = ProcessMemory(self.procfs, self._clock)
        self._pid_namespaces = PidNamespaces(self.procfs)
        self._stores = StoreSearch()
        self._cgroupfs = read_cgroupfs()
        self._files = KeptFiles()
        self._freezer = Freezer(self._cgroupfs, self._files.read)
        self._meter: Meter | None = None
        self._traffic: TrafficMeter | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._tasks: Mapping[int, Task] = {}
        self._daemons: dict[int, Task] = {}
        self._restless: set[int] = set()
        self._arranger = Arranger(
            self.procfs, self._memory, self._pid_namespaces, self._clock.started
        )

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
        wanted = Wanted(commands=commands, stopped=stopped, rootfs=rootfs)
        try:
            tasks = self.source.read()
            changes = find_task_changes(self._tasks, tasks)
            initial = find_initial(self.procfs, tasks)
            made = self._arrange(tasks, changes, initial, wanted)
        except BaseException:
            self._begin_anew()  # what is remembered belongs to one and the same look
            raise
        return Snapshot(
            tasks=tasks,
            containers=made.containers,
            membership=made.membership,
            initial=initial,
            commands=made.commands,
            pid_parents=made.pid_parents,
            resources=(
                self._read_resources(tasks, made.membership, made.containers) if resources else {}
            ),
            threads=self.source.threads,
            traffic=self._read_traffic(tasks, made.containers, initial) if traffic else {},
            boot_time=self._clock.boot_time,
            ticks=self._clock.ticks,
            taken=time.time(),
            partial=made.partial,
        )

    def _read_resources(
        self,
        tasks: Mapping[int, Task],
        membership: Mapping[int, str],
        containers: Iterable[Container],
    ) -> Mapping[str, Resources]:
        if self._meter is None:
            from nsview.host.meter import Meter

            self._meter = Meter(self.procfs, self._cgroupfs, self._files)
        return self._meter.read(tasks, membership, containers, self._may_have_run())

    def _read_traffic(
        self, tasks: Mapping[int, Task], containers: Iterable[Container], initial: Mapping[str, int]
    ) -> Mapping[int, Traffic]:
        if self._traffic is None:
            from nsview.host.traffic import TrafficMeter

            self._traffic = TrafficMeter(self.procfs)
        members: dict[int, list[int]] = {}
        for one in containers:
            use = one.namespaces.get("net")
            if use is not None and use.ino and one.pid is not None:
                members.setdefault(use.ino, []).append(one.pid)
        awake = {tasks[pid].namespaces[_NET] for pid in self._may_have_run() if pid in tasks}
        return self._traffic.read_traffic(members, initial["net"], awake)

    def _arrange(
        self,
        tasks: Mapping[int, Task],
        changes: TaskChanges,
        initial: Mapping[str, int],
        wanted: Wanted,
    ) -> Arrangement:
        self._tasks = tasks
        self._follow(changes)
        given = Given(initial, self._read_records(initial), wanted)
        return self._arranger.arrange(tasks, changes, given, self._freezer.look())

    def _follow(self, changes: TaskChanges) -> None:
        for task in changes.gone:
            self._daemons.pop(task.pid, None)
            self._restless.discard(task.pid)
        for task in changes.came:
            if task.comm in DAEMONS and not task.kernel_thread:
                self._daemons[task.pid] = task
        for task in (*changes.came, *changes.active):
            if has_rested(task, ()):
                self._restless.discard(task.pid)
            else:
                self._restless.add(task.pid)

    def _may_have_run(self) -> Collection[int]:
        # The census tells it of first threads, and not of who runs all the time.
        return self._restless.union(self.source.ran)

    def _read_records(self, initial: Mapping[str, int]) -> tuple[Record, ...]:
        stores = self._stores.find(tuple(self._running_daemons(initial)), read_users())
        return tuple(record for store in stores for record in store.read_records())

    def _running_daemons(self, initial: Mapping[str, int]) -> Iterator[Daemon]:
        # An engine inside a container (docker in docker, kind) keeps its files in there.
        for _, task in sorted(self._daemons.items()):
            inside = task.namespaces[_MNT] not in (0, initial["mnt"])
            yield Daemon(
                pid=task.pid,
                comm=task.comm,
                command=self._memory.command(task),
                uid=task.uid,
                root=self.procfs.path(task.pid, "root") if inside else "/",
            )
