"""Reads what every container uses, tick by tick: one read a figure, none a process.

Two exceptions cost a read for each process: containers without a control group of their own, and
bytes read and written where the kernel's v1 controller does not count them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from nsview.host.cgroup_gauge import CgroupGauge, LimitsOfGroups
from nsview.host.machine import MachineGauge
from nsview.host.model import Container
from nsview.host.own_cgroups import CgroupOwners
from nsview.host.process_gauge import ProcessGauge
from nsview.host.process_io import ProcessIo
from nsview.host.reference import HOST_REF
from nsview.host.resources import Resources
from nsview.kernel.cgroup_files import KeptFiles
from nsview.kernel.cgroupfs import Cgroupfs
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import CgroupPath, Task
from nsview.typed import Collection, Iterable, Mapping, Sequence

#: Limits are looked at anew after so many readings: nobody changes them every second.
_LIMITS_LAST = 8
#: What was read so many seconds ago is still good: in less time rates would mostly be chance.
_FRESH = 0.4


class _Group:
    """Control groups of a container's own; `turn` spreads the readings of limits over time."""

    def __init__(self, gauge: CgroupGauge, limits: LimitsOfGroups, turn: int) -> None:
        self._gauge = gauge
        self._limits = gauge.read_limits(limits)
        self._turn = turn
        self.io: ProcessIo | None = None
        """Where its group does not count it."""

    def read(
        self,
        files: KeptFiles,
        limits: LimitsOfGroups,
        tasks: Iterable[Task],
        ran: Collection[int] | None,
        last: Resources | None,
    ) -> Resources:
        """`last`: its figures of before, if none of the same processes has run since."""
        self._turn += 1
        if self._turn % _LIMITS_LAST == 0:
            self._limits = self._gauge.read_limits(limits)
        if self.io is None:
            return self._gauge.read(files.read, self._limits)
        io = self.io.read(tasks, ran) if last is None else self.io.rest(last.io)
        return self._gauge.read(files.read, self._limits, io)


@dataclass(slots=True)
class _Metered:
    container: Container
    cgroups: tuple[CgroupPath, ...]
    gauge: _Group | ProcessGauge
    moment: float = float("-inf")
    """When it was read."""
    last: Resources = Resources()  # noqa: RUF009 - frozen
    members: tuple[int, ...] = ()
    """Who was read then."""


class Meter:
    """Not thread-safe: one scanner owns it. What was read `fresh` seconds ago is given again."""

    def __init__(
        self,
        procfs: Procfs,
        cgroupfs: Cgroupfs,
        files: KeptFiles | None = None,
        fresh: float = _FRESH,
    ) -> None:
        """`files`: of others too, who read all of theirs before: swept when everything is read."""
        self._procfs = procfs
        self._fresh = fresh
        self._cgroupfs = cgroupfs
        self._files = KeptFiles() if files is None else files
        self._machine = MachineGauge(procfs)
        self._owners = CgroupOwners()
        self._metered: dict[str, _Metered] = {}
        self._ran: frozenset[int] | None = frozenset()
        """Since everything was read; None: nobody has told."""

    def read(
        self,
        tasks: Mapping[int, Task],
        membership: Mapping[int, str],
        containers: Iterable[Container],
        ran: Collection[int] | None = None,
    ) -> dict[str, Resources]:
        """`ref` -> what it uses, of each container that runs; the host's is the whole machine.

        `ran`: pids of those that may have run since the last call, or whose other threads may.
        Asked again at once, it looks only at containers that are new.
        """
        running = [one for one in containers if one.pid is not None]
        self._ran = None if ran is None or self._ran is None else self._ran.union(ran)
        limits = LimitsOfGroups()
        self._follow(tasks, running, limits)
        busy = None
        if self._ran is not None:
            busy = {membership.get(pid, HOST_REF) for pid in self._ran}
        all_read = True
        now = time.monotonic()
        for known in self._metered.values():
            if now - known.moment < self._fresh:
                all_read = False
                continue
            known.moment = now
            found = self._measure(known, tasks, limits, busy)
            # Of who rests it is the very same: whoever shows it has nothing to do.
            if found is not known.last and found != known.last:
                known.last = found
        if all_read:
            self._files.sweep()
            self._ran = frozenset()
        return {ref: one.last for ref, one in self._metered.items()}

    def _follow(
        self, tasks: Mapping[int, Task], running: Sequence[Container], limits: LimitsOfGroups
    ) -> None:
        before = self._metered
        changed = [
            one for one in running
            if one.ref not in before or before[one.ref].container is not one
        ]  # fmt: skip
        concerned = self._owners.update(tasks, running, changed)
        self._metered = {
            one.ref: (
                self._of(one, self._owners.own_cgroups(one), limits, turn)
                if one.ref in concerned
                else before[one.ref]
            )
            for turn, one in enumerate(running)
        }

    def _measure(
        self,
        known: _Metered,
        tasks: Mapping[int, Task],
        limits: LimitsOfGroups,
        busy: Collection[str] | None,
    ) -> Resources:
        one = known.container
        # The same processes, and nobody of them has run.
        rests = busy is not None and one.ref not in busy and known.members == one.members
        if rests and isinstance(known.gauge, ProcessGauge):
            return known.gauge.rest(known.last)
        known.members = one.members
        members = (tasks[pid] for pid in one.members if pid in tasks)
        if isinstance(known.gauge, ProcessGauge):
            return known.gauge.read(members, self._ran)
        last = known.last if rests else None
        found = known.gauge.read(self._files, limits, members, self._ran, last)
        return self._machine.complete(found, tasks) if one.ref == HOST_REF else found

    def _of(
        self, one: Container, cgroups: tuple[CgroupPath, ...], limits: LimitsOfGroups, turn: int
    ) -> _Metered:
        known = self._metered.get(one.ref)
        if known is not None and known.cgroups == cgroups:
            known.container = one
            return known
        gauge = CgroupGauge(self._cgroupfs, cgroups)
        if one.ref != HOST_REF and not gauge.counts():
            return _Metered(one, cgroups, ProcessGauge(self._procfs))
        group = _Group(gauge, limits, turn)
        if one.ref != HOST_REF and not gauge.counts_io():
            group.io = ProcessIo(self._procfs, self._files.read)
        return _Metered(one, cgroups, group)
