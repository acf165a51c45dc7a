"""What is worth a word, and what is not yet."""

from __future__ import annotations

import pytest

from nsview.host.alerts import find_alerts
from nsview.host.resources import Cpu, Memory, Pids, Resources
from nsview.kernel.cgroup_memory import MemoryEvents

MIB = 1 << 20


def kinds(**more: object) -> list[str]:
    return [alert.kind for alert in find_alerts(Resources(**more))]  # type: ignore[arg-type]


def memory(working_set: int, limit: int | None, kills: int = 0) -> Memory:
    return Memory(
        used=2 * working_set, working_set=working_set, anon=0, limit=limit,
        events=MemoryEvents(oom_kill=kills),
    )  # fmt: skip


def test_nothing_known_is_nothing_wrong() -> None:
    assert kinds() == []


@pytest.mark.parametrize(
    ("used", "limit", "expected"),
    [(89, 100, []), (90, 100, ["memory"]), (99, None, []), (1, 0, [])],
)
def test_memory_near_its_limit(used: int, limit: int | None, expected: list[str]) -> None:
    assert kinds(memory=memory(used * MIB, limit and limit * MIB)) == expected


def test_kills_of_a_group_not_of_the_machine() -> None:
    killed = memory(1, None, kills=3)
    assert find_alerts(Resources(memory=killed))[0].text == "3 OOM-killed"
    assert kinds(memory=killed, counted="machine") == []


@pytest.mark.parametrize(
    ("throttled", "expected"), [(None, []), (4.9, []), (5.0, ["throttled"]), (100.0, ["throttled"])]
)
def test_throttled(throttled: float | None, expected: list[str]) -> None:
    assert kinds(cpu=Cpu(usage=0, throttled=throttled)) == expected


def test_tasks() -> None:
    assert kinds(pids=Pids(current=58, limit=64)) == ["pids"]
    assert kinds(pids=Pids(current=57, limit=64)) == []


def test_the_worst_first() -> None:
    everything = kinds(
        cpu=Cpu(usage=0, throttled=50.0),
        memory=memory(9, 9, kills=1),
        pids=Pids(current=9, limit=9),
    )
    assert everything == ["oom", "memory", "pids", "throttled"]
