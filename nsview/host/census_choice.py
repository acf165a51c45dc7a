"""Which census is taken: from /proc, by BPF, or by whichever costs less here."""

from __future__ import annotations

import os

from nsview.errors import NsviewError
from nsview.host.census import CensusSource, ProcfsCensus, ThreadLinks
from nsview.kernel.task import Task
from nsview.typed import TYPE_CHECKING, Collection, Final, Literal, get_args

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

Wanted = Literal["auto", "procfs", "bpf"]
WANTED: Final = get_args(Wanted)

#: Loading the program costs as much as reading so many processes from /proc.
FEW_PROCESSES: Final = 500


def choose_census(procfs: Procfs, wanted: Wanted = "auto") -> CensusSource:
    """The source of that name; raises `NsviewError` when ``bpf`` cannot be had."""
    if wanted == "bpf":
        from nsview.host.census_bpf import BpfCensus

        return BpfCensus(procfs)
    return ProcfsCensus(procfs) if wanted == "procfs" else AutoCensus(procfs)


class AutoCensus:
    """From /proc while processes are few; by BPF, where that can be had, once they are many."""

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._source: CensusSource = ProcfsCensus(procfs)
        self._tried = False

    @property
    def name(self) -> str:
        """Of the source that is read now."""
        return self._source.name

    @property
    def threads(self) -> ThreadLinks | None:
        """As that source has it."""
        return self._source.threads

    @property
    def ran(self) -> Collection[int]:
        """As that source has it."""
        return self._source.ran

    def read(self) -> dict[int, Task]:
        """Every process that is there now, by its pid, ascending."""
        if not self._tried and count_processes(self._procfs) > FEW_PROCESSES:
            self._tried = True
            if (tasks := self._load()) is not None:
                return tasks
        try:
            return self._source.read()
        except NsviewError:  # reading /proc raises none
            self._source = ProcfsCensus(self._procfs)
            return self._source.read()

    def namespace_descriptors(self) -> Collection[tuple[int, int]] | None:
        """As that source tells them."""
        return self._source.namespace_descriptors()

    def _load(self) -> dict[int, Task] | None:
        from nsview.host.census_bpf import BpfCensus

        try:
            self._source = source = BpfCensus(self._procfs)
        except NsviewError:
            return None
        return dict(source.tasks)


def count_processes(procfs: Procfs) -> int:
    """About how many there are, without listing them; proc_root_getattr() in fs/proc/root.c.

    The kernel counts them as links of /proc, with its few dozen own directories there.
    """
    try:
        return os.stat(procfs.root).st_nlink
    except OSError:
        return 0
