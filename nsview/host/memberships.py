"""Which control groups a task is in, read from /proc once for all tasks that are in the same ones.

The kernel has one ``css_set`` for each combination of groups that somebody is in, and a census by
BPF tells which one each task has. What it stands for is in /proc/PID/cgroup of any of them: as the
reader's own cgroup namespace shows it, on v1, v2 and hybrid hosts alike.
"""

from __future__ import annotations

from nsview.kernel.cgroup import parse_cgroup
from nsview.kernel.task import CgroupPath
from nsview.kernel.task_record import Record
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Collection, Iterable

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

#: Those of the past are not worth more memory than this; who is still there is read again.
_MOST = 8192


class _Witness(NamedTuple):
    """A task of which was read what its css_set stands for."""

    pid: int
    start_time: int
    cgroups: tuple[CgroupPath, ...]


class Memberships:
    """Remembers what each css_set stands for.

    A task may be moved just before its file is read (every engine moves a container's first process
    so). What was read is believed once the next look at all tasks finds it where it was before.
    """

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._known: dict[bytes, tuple[CgroupPath, ...]] = {}
        self._witnesses: dict[bytes, _Witness] = {}

    def get(self, record: Record) -> tuple[CgroupPath, ...] | None:
        """The groups of a task; None while that is not known for certain."""
        return self._known.get(record.membership)

    def read(self, record: Record) -> tuple[CgroupPath, ...] | None:
        """The groups of a task as they are now, not remembered; None when it is gone."""
        try:
            data = self._procfs.read_record(record.pid, "cgroup")
        except PermissionError:
            return ()
        return None if data is None else parse_cgroup(data)

    def learn(self, records: Collection[Record]) -> bool:
        """Believe what these newest records confirm, and read what is still unknown.

        True when something was read: look at the tasks again, and come back with their records.
        """
        if len(self._known) > _MOST:
            self._known.clear()
        self._confirm(records)
        unknown: dict[bytes, list[Record]] = {}
        for record in records:
            if record.membership not in self._known:
                unknown.setdefault(record.membership, []).append(record)
        for key, members in unknown.items():
            # The oldest of them is the least likely to be on its way elsewhere.
            for record in sorted(members, key=lambda one: one.start_time):
                cgroups = self.read(record)
                if cgroups is not None:
                    self._witnesses[key] = _Witness(record.pid, record.start_time, cgroups)
                    break
        return bool(unknown)

    def _confirm(self, records: Iterable[Record]) -> None:
        if not self._witnesses:
            return
        pids = {witness.pid for witness in self._witnesses.values()}
        now = {
            (record.pid, record.start_time): record.membership
            for record in records
            if record.pid in pids
        }
        for key, witness in self._witnesses.items():
            if now.get((witness.pid, witness.start_time)) == key:
                self._known[key] = witness.cgroups
        self._witnesses.clear()
