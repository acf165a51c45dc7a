from __future__ import annotations

import pytest

from nsview.enter.account import Account
from nsview.enter.plan import Request, inner_uid, make_plan
from nsview.enter.target import Label, Target
from nsview.errors import NsviewError
from nsview.kernel.idmap import IdRange
from nsview.kernel.namespaces import KINDS
from nsview.kernel.status import parse_status

STATUS = b"""\
Name:\tsleep
Umask:\t0027
State:\tS (sleeping)
Uid:\t100033\t100034\t100033\t100033
Gid:\t100044\t100045\t100044\t100044
Groups:\t100044 100050
CapInh:\t0000000000000400
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t00000000a80425fb
CapAmb:\t0000000000000400
NoNewPrivs:\t1
Seccomp:\t2
"""
OWN = {kind: number for number, kind in enumerate(KINDS, start=1)}
FOREIGN = {kind: inode + 100 for kind, inode in OWN.items()}
TARGET = Target(
    pid=4711,
    start_time=1,
    status=parse_status(STATUS),
    namespaces=FOREIGN,
    cgroups=(),
    environ=b"PATH=/c\0HOME=/h\0USER=c\0LD_PRELOAD=/x\0",
    label=Label("apparmor", "docker-default", "apparmor/exec", b"exec docker-default"),
    uid_map=(IdRange(0, 100_000, 65_536),),
    gid_map=(IdRange(0, 100_000, 65_536),),
    owner_of_mounts=FOREIGN["user"],
    oom_score_adj=500,
)
HOST = {b"TERM": b"xterm-x", b"SECRET": b"1", b"PATH": b"/h"}


def test_the_user_namespace_comes_last() -> None:
    kinds = [kind for kind, _ in make_plan(TARGET, Request(), OWN, HOST).namespaces]
    assert set(kinds) == set(KINDS)
    assert kinds[-2:] == ["mnt", "user"]


def test_our_own_namespaces_are_not_joined() -> None:
    target = TARGET._replace(namespaces={**OWN, "net": 7000, "time": 0})
    assert make_plan(target, Request(), OWN, HOST).namespaces == (("net", 7000),)


def test_confinement_is_taken_over() -> None:
    plan = make_plan(TARGET, Request(), OWN, HOST)
    assert (plan.uid, plan.gid, plan.groups) == (100034, 100045, (100044, 100050))
    assert (plan.bounding, plan.inheritable, plan.ambient) == (0xA80425FB, 0x400, 0x400)
    assert (plan.no_new_privs, plan.seccomp, plan.label) == (True, True, TARGET.label)
    assert (plan.umask, plan.oom_score_adj) == (0o027, 500)


def test_another_user_gets_no_ambient_capability() -> None:
    request = Request(user=Account(uid=7, gid=8, groups=(8, 9), name="x", home="/home/x"))
    plan = make_plan(TARGET, request, OWN, HOST)
    assert (plan.uid, plan.gid, plan.groups) == (100007, 100008, (100008, 100009))
    assert (plan.inheritable, plan.ambient) == (0, 0)
    assert plan.bounding == 0xA80425FB
    assert plan.environment[b"HOME"] == b"/home/x"
    assert plan.environment[b"USER"] == b"x"
    assert b"LOGNAME" not in plan.environment


def test_an_id_that_the_container_does_not_have() -> None:
    with pytest.raises(NsviewError, match="70000"):
        make_plan(TARGET, Request(user=Account(uid=70_000, gid=0)), OWN, HOST)


def test_ids_are_the_same_where_the_user_namespace_is() -> None:
    target = TARGET._replace(namespaces={**FOREIGN, "user": OWN["user"]})
    plan = make_plan(target, Request(user=Account(uid=7, gid=8)), OWN, HOST)
    assert (plan.uid, plan.gid) == (7, 8)
    assert inner_uid(target, OWN) == 100034
    assert inner_uid(TARGET, OWN) == 34


def test_privileged() -> None:
    plan = make_plan(TARGET, Request(privileged=True), OWN, HOST)
    assert (plan.uid, plan.gid, plan.groups) == (100000, 100000, ())
    assert plan.bounding is None
    assert (plan.no_new_privs, plan.seccomp, plan.label) == (False, False, None)
    nested = TARGET._replace(owner_of_mounts=9999)
    assert dict(make_plan(nested, Request(privileged=True), OWN, HOST).namespaces)["user"] == 9999
    assert dict(make_plan(nested, Request(), OWN, HOST).namespaces)["user"] == FOREIGN["user"]


def test_a_program_of_the_host_keeps_our_rights_and_none_of_the_containers_words() -> None:
    plan = make_plan(TARGET, Request(kinds=frozenset({"net"})), OWN, HOST)
    assert not plan.inside
    assert plan.namespaces == (("net", FOREIGN["net"]),)
    assert (plan.uid, plan.bounding, plan.join_cgroup) == (None, None, False)
    assert plan.environment == {b"PATH": b"/h", b"TERM": b"xterm-x"}


def test_the_environment_is_the_containers() -> None:
    plan = make_plan(TARGET, Request(environment={b"A": b"1", b"HOME": b"/o"}), OWN, HOST)
    assert plan.environment == {
        b"PATH": b"/c", b"HOME": b"/o", b"USER": b"c", b"LD_PRELOAD": b"/x", b"A": b"1",
    }  # fmt: skip
    assert make_plan(TARGET, Request(terminal=True), OWN, HOST).environment[b"TERM"] == b"xterm-x"
