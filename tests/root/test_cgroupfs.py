"""A process in a cgroup that is frozen from above, in every hierarchy that can freeze."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nsview.kernel.cgroup import parse_cgroup
from nsview.kernel.cgroupfs import Hierarchy, directory, read_cgroupfs, read_frozen

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes control groups")

_PATIENCE = 60.0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def cgroup(path: Path) -> Iterator[Path]:
    path.mkdir()
    try:
        yield path
    finally:
        wait_for(lambda: not (path / "cgroup.procs").read_text())
        path.rmdir()


@contextmanager
def process_in(path: Path) -> Iterator[int]:
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    with process:
        (path / "cgroup.procs").write_text(str(process.pid))
        yield process.pid
        # The end of its input, on leaving, ends it: it must run again by now.


def freezable() -> list[Hierarchy]:
    return [
        one
        for one in read_cgroupfs().hierarchies
        if one.root == "/" and (one.version == 2 or "freezer" in one.options)
    ]


@pytest.mark.parametrize("place", freezable(), ids=lambda one: f"v{one.version}")
def test_frozen_from_above(place: Hierarchy) -> None:
    switch, on, off = {
        1: ("freezer.state", "FROZEN", "THAWED"),
        2: ("cgroup.freeze", "1", "0"),
    }[place.version]
    top = Path(place.target, f"nsview-test-{os.getpid()}")

    def frozen(pid: int) -> bool:
        return read_frozen(parse_cgroup(Path(f"/proc/{pid}/cgroup").read_bytes()))

    with cgroup(top), cgroup(top / "inner"), process_in(top / "inner") as pid:
        assert not frozen(pid)
        try:
            (top / switch).write_text(on)
            wait_for(lambda: frozen(pid))
        finally:
            (top / switch).write_text(off)
        wait_for(lambda: not frozen(pid))


def test_directory_holds_the_process() -> None:
    own = parse_cgroup(Path("/proc/self/cgroup").read_bytes())
    place = directory(own, "memory")
    if place is None:
        pytest.skip("no control groups are mounted")
    assert str(os.getpid()) in Path(place, "cgroup.procs").read_text().split()
