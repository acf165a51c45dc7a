"""Which control groups are a container's own."""

from __future__ import annotations

import random

import pytest
from support.made_up import container, task

from nsview.host.model import Container
from nsview.host.own_cgroups import CgroupOwners
from nsview.kernel.task import Task

ID = "ab" * 32
DOCKER = f"/system.slice/docker-{ID}.scope"


def own(one: Container, tasks: list[Task], *others: Container) -> list[str]:
    containers = [one, *others]
    members = {pid for c in containers for pid in c.members}
    if rest := [t.pid for t in tasks if t.pid not in members]:
        containers.append(container("host", *rest))
    owners = CgroupOwners()
    owners.update({t.pid: t for t in tasks}, containers, containers)
    return [line.path for line in owners.own_cgroups(one)]


def test_the_group_that_the_engine_made_not_one_below() -> None:
    web = container("docker/web", 10)

    assert own(web, [task(10, f"{DOCKER}/init.scope", f"{DOCKER}/x")]) == [DOCKER, DOCKER]


def test_processes_of_the_host_in_it_do_not_matter_to_an_engine() -> None:
    web = container("docker/web", 10)

    assert own(web, [task(10, DOCKER), task(11, DOCKER)]) == [DOCKER]


def test_of_several_hierarchies_those_that_have_a_group() -> None:
    web = container("docker/web", 10)

    assert own(web, [task(10, DOCKER, "/")]) == [DOCKER]


def test_unknown_group_is_its_own_if_nobody_else_is_in_there() -> None:
    one, tasks = container("unshare/10", 10, 11), [task(10, "/a/b"), task(11, "/a/b/c")]

    assert own(one, tasks) == ["/a/b"]
    assert own(one, [*tasks, task(12, "/a/d")]) == ["/a/b"]
    assert own(one, [*tasks, task(12, "/a/b/d")]) == []
    assert own(one, [*tasks, task(12, "/a/bb")]) == ["/a/b"]


def test_containers_inside_are_part_of_it() -> None:
    outer = container("unshare/10", 10)
    inner = container("unshare/11", 11, parent="unshare/10")
    tasks = [task(10, "/a"), task(11, "/a/b")]

    assert own(outer, tasks, inner) == ["/a"]
    assert own(inner, tasks, outer) == ["/a/b"]


def test_the_root_is_the_hosts_alone() -> None:
    assert own(container("unshare/10", 10), [task(10, "/")]) == []
    assert own(container("host", 1), [task(1, "/init.scope", "/x")]) == ["/", "/"]


def test_sandbox_in_the_scope_of_an_application_is_not_the_application() -> None:
    scope = "/user.slice/snap.firefox.firefox-0f0f0f0f-0000-0000-0000-000000000000.scope"
    sandbox = container("browser/11", 11, kind="isolated")

    assert own(sandbox, [task(10, scope), task(11, scope)]) == []
    assert own(sandbox, [task(11, scope)]) == [scope]


def test_torn_or_gone() -> None:
    one = container("unshare/10", 10)

    assert own(one, []) == []
    assert own(one, [task(10, "")]) == []


def test_only_those_that_share_groups_with_whoever_comes_inside_are_named() -> None:
    outer, other = container("unshare/10", 10), container("unshare/12", 12)
    inner = container("unshare/11", 11, parent="unshare/10")
    tasks = {10: task(10, "/a"), 11: task(11, "/a/b"), 12: task(12, "/d")}
    owners = CgroupOwners()
    owners.update(tasks, [outer, other], [outer, other])
    for one in (outer, other):
        owners.own_cgroups(one)

    assert owners.update(tasks, [outer, other, inner], [inner]) == {outer.ref, inner.ref}


@pytest.mark.parametrize("seed", range(40))
def test_whoever_is_not_named_would_be_answered_the_same(seed: int) -> None:
    chance = random.Random(seed)
    paths = ("/", "/a", "/a/b", "/a/b/c", "/d", f"{DOCKER}/x", "/docker/" + "cd" * 32)
    owners, answers = CgroupOwners(), {}
    tasks: dict[int, Task] = {}
    containers: dict[str, Container] = {}
    for _ in range(40):
        for ref in chance.sample(["docker/web", "unshare/10", "unshare/11", "host"], 1):
            for pid in containers.pop(ref).members if ref in containers else ():
                del tasks[pid]
            free = [pid for pid in range(1, 30) if pid not in tasks]
            if chance.random() < 0.8 or ref == "host":
                members = sorted(chance.sample(free, 3))
                tasks.update((pid, task(pid, *chance.choices(paths, k=2))) for pid in members)
                outer = {"unshare/10": "docker/web", "unshare/11": "unshare/10"}.get(ref)
                containers[ref] = container(ref, *members, parent=chance.choice([None, outer]))
        now = list(containers.values())
        changed = [one for one in now if answers.get(one.ref, (None,))[0] is not one]
        concerned = owners.update(tasks, now, changed)
        answers = {
            one.ref: (one, owners.own_cgroups(one)) if one.ref in concerned else answers[one.ref]
            for one in now
        }
        anew = CgroupOwners()
        anew.update(tasks, now, now)
        assert {ref: found for ref, (_, found) in answers.items()} == {
            one.ref: anew.own_cgroups(one) for one in now
        }
