"""Whatever has happened before, an arrangement is what it would be if it were made from nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest

from nsview.engines.base import Record
from nsview.host.arrangement import Arrangement, Arranger, Given, Wanted
from nsview.host.model import Rootfs
from nsview.host.roots import Root
from nsview.host.task_changes import find_task_changes
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import CgroupPath, Task

HOST = tuple(range(100, 100 + len(KINDS)))
INITIAL = dict(zip(KINDS, HOST, strict=True))
PID, MNT, USER = (KINDS.index(kind) for kind in ("pid", "mnt", "user"))
IDS = [letter * 64 for letter in "abc"]
#: Inodes of pid namespaces, each inside the one before it; the others are the host's children.
NESTED = {202: 201, 201: 200}
CGROUPS = tuple(
    (CgroupPath(0, "", path),)
    for path in (
        "/",
        "/user.slice",
        "/system.slice/chrony.service",
        *(f"/docker/{one}" for one in IDS),
        f"/docker/{IDS[0]}/docker/{IDS[1]}",
    )
)
NAMESPACES = (
    HOST,
    HOST,
    (0,) * len(KINDS),
    *(
        tuple(
            own if kind in ("mnt", "pid", "net") else inode
            for kind, inode in zip(KINDS, HOST, strict=True)
        )
        for own in (200, 201, 202, 203)
    ),
    tuple(300 if kind == "mnt" else inode for kind, inode in INITIAL.items()),
    tuple(301 if kind == "net" else inode for kind, inode in INITIAL.items()),
)


class Memory:
    """What is read of processes, in the place of `ProcessMemory`."""

    settled = True

    def __init__(self, young: frozenset[int] = frozenset()) -> None:
        self.young = young
        self.layers = 1

    def command(self, task: Task) -> tuple[str, ...]:
        return () if task.kernel_thread else (task.comm, str(task.start_time))

    def root(self, task: Task) -> Root | None:
        own = task.namespaces[MNT] != INITIAL["mnt"] and task.namespaces[MNT] != 300
        return Root((0, task.namespaces[MNT] if own else 1), Rootfs("ext4", 1))

    def rootfs(self, task: Task) -> Rootfs | None:
        if task.pid in self.young:
            self.settled = False
        return Rootfs("ext4", self.layers if task.pid in self.young else task.namespaces[MNT])

    def knows_root(self, task: Task) -> bool:
        return task.pid not in self.young

    def root_of_host(self, tasks: Mapping[int, Task], initial: Mapping[str, int]) -> Root | None:
        return Root((0, 1), Rootfs("ext4", 1))

    def forget(self, tasks: Mapping[int, Task]) -> None:
        """Nothing is remembered."""


class PidNamespaces:
    """The hierarchy that the kernel would tell."""

    def parents(self, tasks: Mapping[int, Task]) -> dict[int, int]:
        parents: dict[int, int] = {}
        for task in tasks.values():
            ino = task.namespaces[PID]
            while ino not in (0, HOST[PID]):
                parents[ino] = NESTED.get(ino, HOST[PID])
                ino = parents[ino]
        return parents


def arranger() -> Arranger:
    return Arranger(Procfs("/nowhere"), Memory(), PidNamespaces(), lambda task: task.start_time)  # type: ignore[arg-type]


def some_task(chance: random.Random, pid: int, others: list[int]) -> Task:
    namespaces = chance.choice(NAMESPACES)
    inside = namespaces[PID] not in (0, HOST[PID])
    kernel_thread = namespaces is HOST and chance.random() < 0.1
    names = ["kworker"] if kernel_thread else ["sh", "containerd-shim", "conmon", "bwrap"]
    return Task(
        pid=pid,
        start_time=chance.randrange(1000),
        ppid=chance.choice([0, 1, *others]),
        pids=(pid, chance.choice([1, pid])) if inside else (pid,),
        namespaces=namespaces,
        pid_for_children=namespaces[PID],
        time_for_children=HOST[-1],
        uid=chance.choice([0, 1000]),
        cgroups=chance.choice(CGROUPS),
        comm=chance.choice(names),
        state=chance.choice("SR"),
        threads=1,
        kernel_thread=kernel_thread,
    )


def changed(chance: random.Random, tasks: Mapping[int, Task]) -> dict[int, Task]:
    later = dict(tasks)
    for _ in range(chance.choice([0, 0, 1, 1, 2, 20])):
        pids = list(later)
        pid = chance.choice([*pids, chance.randrange(1, 60)])
        what = chance.choice(["go", "come", "be another", "move", "run", "exec"])
        old = later.get(pid)
        if old is None or what in ("come", "be another"):
            later[pid] = some_task(chance, pid, pids)
        elif what == "go":
            del later[pid]
        elif what == "move":
            later[pid] = old._replace(cgroups=chance.choice(CGROUPS), ppid=chance.choice(pids))
        elif what == "run":
            later[pid] = old._replace(state="D", threads=old.threads + 1)
        else:
            names = ["kworker", "kworker-events"] if old.kernel_thread else ["sleep", "bwrap"]
            later[pid] = old._replace(comm=chance.choice(names))
    return dict(sorted(later.items()))


def given(chance: random.Random) -> Given:
    records = tuple(
        Record(engine="docker", id=one, user=0, home=f"/{one}", name=chance.choice(["web", "db"]))
        for one in IDS
        if chance.random() < 0.7
    )
    initial = INITIAL if chance.random() < 0.9 else {**INITIAL, "net": 301}
    return Given(initial, records, Wanted(*(chance.random() < 0.8 for _ in Wanted._fields)))


@pytest.mark.parametrize("seed", range(60))
def test_it_is_what_it_would_be_from_nothing(seed: int) -> None:
    chance = random.Random(seed)
    one = arranger()
    before: dict[int, Task] = {}
    wanted, frozen = given(chance), False
    for _ in range(40):
        now = changed(chance, before)
        wanted = given(chance) if chance.random() < 0.2 else wanted
        frozen = chance.random() < 0.1 or frozen

        def is_frozen(cgroups: object, some: bool = frozen) -> bool:
            return some and cgroups == CGROUPS[3]

        made = one.arrange(now, find_task_changes(before, now), wanted, is_frozen)
        anew = arranger().arrange(now, find_task_changes({}, now), wanted, is_frozen)
        for name, here, there in zip(Arrangement._fields, made, anew, strict=True):
            assert here == there, name
        before = now


WANTED = Wanted(commands=True, stopped=True, rootfs=True)
GIVEN = Given(INITIAL, (), WANTED)


def never(_: object) -> bool:
    return False


def looks(*seen: dict[int, Task], freezer: Callable[[object], bool] = never) -> list[Arrangement]:
    one = arranger()
    found = []
    before: dict[int, Task] = {}
    for now in seen:
        found.append(one.arrange(now, find_task_changes(before, now), GIVEN, freezer))
        before = now
    return found


def task(pid: int, number: int = 0, **more: object) -> Task:
    some = some_task(random.Random(1), pid, [])._replace(
        namespaces=NAMESPACES[number], pids=(pid,), cgroups=CGROUPS[0], state="S", ppid=0,
        comm="one", kernel_thread=False,
    )  # fmt: skip
    return some._replace(**more)  # type: ignore[arg-type]


INIT, OTHER = task(1), task(2)
ONE, TWO, THREE = task(5, 3), task(6, 3), task(7, 6)
ALL = {one.pid: one for one in (INIT, OTHER, ONE, TWO, THREE)}


def test_where_nothing_counts_it_is_the_same_object() -> None:
    busy = {**ALL, 5: ONE._replace(state="R", threads=3)}
    first, second, third = looks(ALL, dict(ALL), busy)
    assert first is second
    assert second is third


def test_the_hosts_own_processes_leave_the_containers_alone() -> None:
    first, second = looks(ALL, {**ALL, 9: task(9)})
    assert all(a is b for a, b in zip(first.containers[1:], second.containers[1:], strict=True))
    assert second.containers[0].members == (1, 2, 9)
    assert 9 in second.commands


def test_containers_that_nobody_joined_or_left_are_the_same_objects() -> None:
    first, second = looks(ALL, {pid: one for pid, one in ALL.items() if pid != 6})
    changed = [a is b for a, b in zip(first.containers, second.containers, strict=True)]
    assert sorted(changed) == [False, False, True]  # the host is made anew each time
    assert {one.members for one in second.containers} == {(1, 2), (5,), (7,)}


def test_the_freezer_is_asked_each_time() -> None:
    state = {"frozen": False}
    one = arranger()
    for frozen, status in ((False, "running"), (True, "paused"), (False, "running")):
        state["frozen"] = frozen
        changes = find_task_changes({} if not one._made else ALL, ALL)
        made = one.arrange(ALL, changes, GIVEN, lambda _: state["frozen"])
        assert {one.status for one in made.containers[1:]} == {status}


def test_a_young_root_is_looked_at_again_and_the_others_are_not() -> None:
    memory = Memory(frozenset({5}))
    one = Arranger(Procfs("/nowhere"), memory, PidNamespaces(), lambda task: task.start_time)  # type: ignore[arg-type]
    first = one.arrange(ALL, find_task_changes({}, ALL), GIVEN, never)
    memory.layers = 2
    second = one.arrange(ALL, find_task_changes(ALL, ALL), GIVEN, never)
    roots = {
        made.pid: (made, then)
        for made, then in zip(second.containers, first.containers, strict=True)
    }
    assert roots[5][0].rootfs == Rootfs("ext4", 2)
    assert roots[5][1].rootfs == Rootfs("ext4", 1)
    assert roots[7][0] is roots[7][1]


def test_a_root_that_is_set_up_late_makes_a_container() -> None:
    class Late(Memory):
        def root(self, task: Task) -> Root | None:
            self.settled = False
            return super().root(task) if self.layers > 1 else Root((0, 1), Rootfs("ext4", 1))

    memory, seen = Late(), {**ALL, 8: task(8, 7, namespaces=(HOST[0] + 999, *HOST[1:]))}
    one = Arranger(Procfs("/nowhere"), memory, PidNamespaces(), lambda task: task.start_time)  # type: ignore[arg-type]
    kinds = []
    for memory.layers in (1, 2):
        made = one.arrange(seen, find_task_changes(seen if kinds else {}, seen), GIVEN, never)
        kinds += [one.kind for one in made.containers if one.pid == 8]
    assert kinds == ["isolated", "container"]


def test_a_child_that_tells_of_its_hidden_leader_is_asked_each_time() -> None:
    leader = task(20, 2, pids=(20, 1))
    first, second = task(21, 3, pids=(21, 2)), task(22, 3, pids=(22, 3), ppid=20)
    seen = {**{pid: ALL[pid] for pid in (1, 2)}, 20: leader, 21: first, 22: second}
    whole, torn = looks(seen, {pid: one for pid, one in seen.items() if pid != 22})
    assert [one.members for one in whole.containers] == [(1, 2), (20, 21, 22)]
    assert sorted(one.members for one in torn.containers) == [(1, 2), (20,), (21,)]


def test_who_joins_leaves_the_groups_of_others_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    one = arranger()
    one.arrange(ALL, find_task_changes({}, ALL), GIVEN, never)
    monkeypatch.delattr("nsview.host.arrangement.group_tasks")
    more = {**ALL, 8: THREE._replace(pid=8, pids=(8,))}
    made = one.arrange(more, find_task_changes(ALL, more), GIVEN, never)
    assert {one.members for one in made.containers} == {(1, 2), (5, 6), (7, 8)}
