"""Reads what every container uses, tick by tick: one read a figure, none a process.

Two exceptions cost a read for each process: containers without a control group of their own, and
bytes read and written where the kernel's v1 controller does not count them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from nsview.host.cgroup_gauge import CgroupGauge, LimitsOfGroups
from nsview.host.machine import MachineGauge
from nsview.host.model import Container
from nsview.host.own_cgroups import CgroupOwners
from nsview.host.process_gauge import ProcessGauge
from nsview.host.process_io import ProcessIo, has_rested
from nsview.host.reference import HOST_REF
from nsview.host.resources import Resources
from nsview.kernel.cgroup_files import KeptFiles
from nsview.kernel.cgroupfs import Cgroupfs
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import CgroupPath, Task

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
    ) -> Resources:
        self._turn += 1
        if self._turn % _LIMITS_LAST == 0:
            self._limits = self._gauge.read_limits(limits)
        found = self._gauge.read(files.read, self._limits)
        return found if self.io is None else replace(found, io=self.io.read(tasks, ran))


@dataclass(slots=True)
class _Metered:
    cgroups: tuple[CgroupPath, ...]
    gauge: _Group | ProcessGauge
    moment: float = float("-inf")
    last: Resources = Resources()  # noqa: RUF009 - frozen
    members: tuple[int, ...] = ()
    """When it was read."""

    def may_rest(self, container: Container, busy: Collection[int] | None) -> bool:
        """The same processes, and nobody of them has run."""
        if busy is None or self.members != container.members:
            return False
        return not any(pid in busy for pid in self.members)


class Meter:
    """Not thread-safe: one scanner owns it. What was read `fresh` seconds ago is given again."""

    def __init__(self, procfs: Procfs, cgroupfs: Cgroupfs, fresh: float = _FRESH) -> None:
        self._procfs = procfs
        self._fresh = fresh
        self._cgroupfs = cgroupfs
        self._files = KeptFiles()
        self._machine = MachineGauge(procfs)
        self._metered: dict[str, _Metered] = {}
        self._membership: Mapping[int, str] | None = None
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

        `ran`: pids of those that may have run since the last call. Asked again at once, it looks
        only at containers that are new.
        """
        running = [one for one in containers if one.pid is not None]
        self._ran = None if ran is None or self._ran is None else self._ran.union(ran)
        owners = CgroupOwners(tasks, membership, running)
        arranged_anew = membership is not self._membership
        self._membership = membership
        busy = _busy(tasks, self._ran)
        limits = LimitsOfGroups()
        metered: dict[str, _Metered] = {}
        all_read = True
        for turn, one in enumerate(running):
            before = self._metered.get(one.ref)
            if before is None or arranged_anew:
                before = self._of(one.ref, owners.own_cgroups(one), limits, turn)
            known = metered[one.ref] = before
            now = time.monotonic()
            if now - known.moment < self._fresh:
                all_read = False
                continue
            known.moment = now
            known.last = self._measure(known, one, tasks, limits, busy)
        self._metered = metered
        if all_read:
            self._files.sweep()
            self._ran = frozenset()
        return {ref: one.last for ref, one in metered.items()}

    def _measure(
        self,
        known: _Metered,
        one: Container,
        tasks: Mapping[int, Task],
        limits: LimitsOfGroups,
        busy: Collection[int] | None,
    ) -> Resources:
        members = (tasks[pid] for pid in one.members if pid in tasks)
        if isinstance(known.gauge, ProcessGauge):
            if known.may_rest(one, busy):
                return known.gauge.rest(known.last)
            known.members = one.members
            return known.gauge.read(members, self._ran)
        found = known.gauge.read(self._files, limits, members, self._ran)
        return self._machine.complete(found, tasks) if one.ref == HOST_REF else found

    def _of(
        self, ref: str, cgroups: tuple[CgroupPath, ...], limits: LimitsOfGroups, turn: int
    ) -> _Metered:
        known = self._metered.get(ref)
        if known is not None and known.cgroups == cgroups:
            return known
        gauge = CgroupGauge(self._cgroupfs, cgroups)
        if ref != HOST_REF and not gauge.counts():
            return _Metered(cgroups, ProcessGauge(self._procfs))
        group = _Group(gauge, limits, turn)
        if ref != HOST_REF and not gauge.counts_io():
            group.io = ProcessIo(self._procfs, self._files.read)
        return _Metered(cgroups, group)


def _busy(tasks: Mapping[int, Task], ran: Collection[int] | None) -> Collection[int] | None:
    if ran is None:
        return None
    return {pid for pid, task in tasks.items() if not has_rested(task, ran)}
