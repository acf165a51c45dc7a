"""Which census is taken where."""

from __future__ import annotations

from pathlib import Path

import pytest

from nsview.errors import NsviewError
from nsview.host import census_bpf, census_choice
from nsview.host.census_choice import AutoCensus, choose_census
from nsview.kernel.bpf import BpfError
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task


class Loads:
    name = "bpf"
    threads = None
    ran = ()

    def __init__(self, procfs: Procfs) -> None:
        self.reads = 0
        self.tasks: dict[int, Task] = {}

    def namespace_descriptors(self) -> None:
        pass

    def read(self) -> dict[int, Task]:
        self.reads += 1
        if self.reads > 1:
            raise BpfError("it stopped working")
        return {}


def many(monkeypatch: pytest.MonkeyPatch, processes: int) -> None:
    monkeypatch.setattr(census_choice, "count_processes", lambda procfs: processes)


def test_few_processes_are_read_from_proc() -> None:
    census = choose_census(Procfs(), "auto")
    assert census.name == "procfs"


def test_the_program_is_loaded_once_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census_bpf, "BpfCensus", Loads)
    census = AutoCensus(Procfs())
    many(monkeypatch, 10)
    census.read()
    assert census.name == "procfs"
    many(monkeypatch, 10_000)
    census.read()
    assert census.name == "bpf"


def test_proc_takes_over_when_it_stops_working(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census_bpf, "BpfCensus", Loads)
    many(monkeypatch, 10_000)
    census = AutoCensus(Procfs())
    assert [census.read() for _ in range(2)] == [{}, {}]
    assert census.read()
    assert census.name == "procfs"
    assert census.read()


def test_where_it_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A captured tree is not what the kernel would tell of."""
    procfs = Procfs(str(tmp_path))
    with pytest.raises(NsviewError):
        choose_census(procfs, "bpf")
    many(monkeypatch, 10_000)
    census = choose_census(procfs, "auto")
    assert census.read() == {}
    assert census.name == "procfs"
