"""Coming into control groups by the ways that halt nobody, and by the other where it takes that."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import nsview
from support.processes import sandbox, wait_until
from support.requirements import need_programs

from nsview.kernel.cgroup_join import V2, fork_into, join
from nsview.kernel.cgroupfs import Hierarchy, read_cgroupfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes control groups")

_NAME = f"nsview-test-join-{os.getpid()}"


def hierarchies() -> list[Hierarchy]:
    """One mount of each in which a new group takes processes."""
    found = {one.options: one for one in read_cgroupfs().hierarchies if one.root == "/"}
    return [one for one in found.values() if one.version == V2 or "cpuset" not in one.options]


@pytest.fixture
def groups() -> Iterator[list[tuple[str, int, int]]]:
    """A new group in each."""
    with contextlib.ExitStack() as stack:
        made = []
        for one in hierarchies():
            path = Path(one.target, _NAME)
            path.mkdir()
            stack.callback(_remove, path)
            directory = os.open(path, os.O_PATH)
            stack.callback(os.close, directory)
            made.append((one.target, one.version, directory))
        yield made


def _remove(path: Path) -> None:
    wait_until(lambda: not (path / "cgroup.procs").read_text())
    path.rmdir()


def places_of(pid: int | str) -> dict[str, str]:
    """Paths by the controllers, as /proc/PID/cgroup has them."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return {line.split(":", 2)[1]: line.split(":", 2)[2] for line in lines}


def places_in_a_child(groups: list[tuple[str, int, int]], *, joins: bool) -> tuple[bool, set[str]]:
    """Whether a child was born in v2, and by whose controllers it is in one of our groups."""
    reading, writing = os.pipe()
    child, in_v2 = fork_into(groups)
    if child == 0:
        try:
            for _, version, directory in groups if joins else ():
                join(version, directory)
            ours = [name for name, path in places_of("self").items() if path == f"/{_NAME}"]
            os.write(writing, json.dumps([in_v2, ours]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading) as pipe:
        born, names = json.load(pipe)
    assert born == in_v2
    return in_v2, set(names)


def test_a_child_is_born_in_v2_alone(groups: list[tuple[str, int, int]]) -> None:
    if not any(version == V2 for _, version, _ in groups):
        pytest.skip("needs cgroup v2")
    assert places_in_a_child(groups, joins=False) == (True, {""})


def test_every_group_is_joined(groups: list[tuple[str, int, int]]) -> None:
    _, names = places_in_a_child(groups, joins=True)
    assert len(names) == len(groups)


def test_where_nobody_can_be_born(tmp_path: Path) -> None:
    """No group at all, one that is full, a kernel before 5.7: a child all the same."""
    directory = os.open(tmp_path, os.O_PATH)
    assert places_in_a_child([("v2", V2, directory)], joins=False) == (False, set())
    os.close(directory)


def test_entering_halts_nobody(groups: list[tuple[str, int, int]], tmp_path: Path) -> None:
    """Writing to cgroup.procs does: for 10 ms, and it takes us as long."""
    need_programs("strace")
    log = tmp_path / "log"
    with sandbox("--pid", "--mount-proc") as pid:
        for target, _, _ in groups:
            Path(target, _NAME, "cgroup.procs").write_text(str(pid))
        tracer = ("strace", "-f", "-o", str(log), "-e", "trace=openat")
        done = nsview("enter", str(pid), "--", "cat", "/proc/self/cgroup", launcher=tracer)
        assert done.out.decode() == Path(f"/proc/{pid}/cgroup").read_text()
    opened = log.read_text(errors="replace")
    assert f"/{_NAME}" in opened
    assert "cgroup.procs" not in opened
