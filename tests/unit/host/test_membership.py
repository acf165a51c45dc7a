"""The four rules that make a container out of processes, on hand-made censuses."""

from __future__ import annotations

from support import made_up

from nsview.host.cohorts import Cohorts
from nsview.host.membership import Group, group_tasks
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task

HOST = tuple(range(100, 100 + len(KINDS)))
INITIAL = dict(zip(KINDS, HOST, strict=True))
MNT, PID, NET = KINDS.index("mnt"), KINDS.index("pid"), KINDS.index("net")
DOCKER_ID = "a" * 64
DOCKER = f"/docker/{DOCKER_ID}"


def task(number: int, /, *, ppid: int = 1, cgroup: str = "/", **own: int) -> Task:
    inodes = tuple(own.get(kind, INITIAL[kind]) for kind in KINDS)
    return made_up.task(
        number,
        cgroup,
        ppid=ppid,
        pids=(number,) if inodes[PID] in (HOST[PID], 0) else (number, 1),
        namespaces=inodes,
        pid_for_children=inodes[PID],
        time_for_children=HOST[-1],
    )


def group(
    *tasks: Task, parents: dict[int, int] | None = None, host_root: tuple[int, ...] = ()
) -> dict[tuple[str, str], list[int]]:
    cohorts = Cohorts(HOST)
    cohorts.update((), tasks)
    groups = group_tasks(cohorts.all, INITIAL, parents or {}, lambda one: one.pid in host_root)
    return {key: [one.pid for one in group.tasks] for key, group in groups.items()}


def test_the_hosts_own_processes_are_in_no_container() -> None:
    assert group(task(1), task(2)) == {}


def test_rule_1_a_cgroup_that_an_engine_knows() -> None:
    assert group(task(5, cgroup=DOCKER, mnt=7, pid=8), task(6, cgroup=DOCKER, mnt=7, pid=8)) == {
        ("engine", f"docker//{DOCKER_ID}"): [5, 6]
    }


def test_who_only_serves_in_that_cgroup_is_no_member() -> None:
    assert group(task(5, cgroup=DOCKER)) == {}


def test_a_name_claimed_inside_a_container_does_not_lead_into_another() -> None:
    other = f"/docker/{'b' * 64}"
    members = group(
        task(5, cgroup=DOCKER, mnt=7, pid=8), task(6, cgroup=other + DOCKER, mnt=9, pid=10)
    )
    assert [5] in members.values()
    assert [6] in members.values()


def test_unreadable_namespaces_leave_the_decision_to_the_cgroup() -> None:
    hidden = task(5, cgroup=DOCKER)._replace(namespaces=(0,) * len(KINDS))
    assert group(hidden) == {("engine", f"docker//{DOCKER_ID}"): [5]}


def test_who_joined_by_setns_belongs_to_where_it_went() -> None:
    members = group(task(5, cgroup=DOCKER, mnt=7, pid=8), task(9, cgroup="/user", mnt=7, net=3))
    assert members == {("engine", f"docker//{DOCKER_ID}"): [5, 9]}


def test_rule_2_the_outermost_pid_namespace_that_nobody_claimed() -> None:
    members = group(task(5, pid=8), task(6, pid=9), parents={9: 8, 8: HOST[PID]})
    assert members == {("pid", "8"): [5, 6]}


def test_rule_2_where_number_one_may_not_be_looked_into() -> None:
    init = task(5)._replace(namespaces=(0,) * len(KINDS), pids=(5, 1))
    command = task(6, ppid=5, pid=8)._replace(pids=(6, 2))
    child = task(7, ppid=6, pid=8)._replace(pids=(7, 3))
    nested = task(8, ppid=7, pid=9)._replace(pids=(8, 4, 1))
    members = group(init, command, child, nested, parents={9: 8, 8: HOST[PID]})
    assert members == {("pid", "of 5"): [5, 6, 7, 8]}


def test_rule_2_inside_a_container_that_an_engine_claimed() -> None:
    members = group(
        task(5, cgroup=DOCKER, mnt=7, pid=8),
        task(6, cgroup="/elsewhere", mnt=17, pid=9),
        parents={9: 8, 8: HOST[PID]},
    )
    assert members == {("engine", f"docker//{DOCKER_ID}"): [5], ("pid", "9"): [6]}


def test_rule_3_another_root() -> None:
    assert group(task(5, mnt=7)) == {("mnt", "7"): [5]}


def test_rule_4_the_hosts_root_and_a_namespace_of_its_own() -> None:
    unit = "/system.slice/chrony.service"
    session = "/user.slice/user-1000.slice/session-3.scope"
    members = group(task(5, mnt=7, cgroup=unit), task(6, net=9, cgroup=session), host_root=(5,))
    assert members == {("unit", "chrony.service"): [5], ("set", "9"): [6]}


def test_the_first_process_is_number_one_inside() -> None:
    one = Group(("pid", "8"))
    outer = task(3, ppid=1)._replace(pids=(3, 40))
    init = task(9, ppid=3)._replace(pids=(9, 1))
    one.cohorts = [(outer,), (init,)]
    assert one.first is init
