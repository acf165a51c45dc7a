"""Which process events tell of a container that starts or ends, among hundreds that do not.

A container that starts is a process in namespaces that nobody was in before. Engines change them
between fork(2) and execve(2), so those of whoever has executed something are final; setns(2) leads
into what is known.
"""

from __future__ import annotations

from nsview.host.model import Snapshot
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_mnt_and_pid
from nsview.kernel.process_events import Event
from nsview.kernel.procfs import Procfs
from nsview.typed import Iterable

_MNT, _PID = KINDS.index("mnt"), KINDS.index("pid")


class News:
    """Compares what happens with the last snapshot."""

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._snapshot: Snapshot | None = None
        self._known: frozenset[int] | None = None
        self._first: frozenset[int | None] = frozenset()

    def looked(self, snapshot: Snapshot) -> None:
        """This is known from now on."""
        self._snapshot, self._known = snapshot, None

    def are_among(self, events: Iterable[Event]) -> bool:
        """Whether one of them is worth a look at once.

        It is when a process is in a mount or pid namespace that is not known, or when the first
        process of a container executes something, or ends.
        """
        if self._known is None and self._snapshot is not None:
            self._learn(self._snapshot)
        came = set()
        for kind, pid in events:
            if pid in self._first:
                return True
            if kind != "exit":
                came.add(pid)
        return any(map(self._is_elsewhere, came))

    def _learn(self, snapshot: Snapshot) -> None:
        # Not at every look: many hosts rest between two of them.
        namespaces = [task.namespaces for task in snapshot.tasks.values()]
        self._known = frozenset(ino for one in namespaces for ino in (one[_MNT], one[_PID]))
        self._first = frozenset(one.pid for one in snapshot.containers if one.kind != "host")

    def _is_elsewhere(self, pid: int) -> bool:
        inodes = read_mnt_and_pid(self._procfs, pid)
        return bool(inodes and self._known and not self._known.issuperset(inodes))
