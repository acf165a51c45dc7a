"""What nsview says about itself where it is somebody else, or somewhere else."""

from __future__ import annotations

import json
import os

import pytest
from support.nobody import python_as_nobody, python_behind

from nsview.host.census import ProcfsCensus
from nsview.host.doctor import Finding, examine
from nsview.host.initial import find_initial
from nsview.host.partial import partial_reasons
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

_CODE = """
import json
from root.test_doctor import report
print(json.dumps(report()))
"""


def report() -> dict[str, object]:
    """What the doctor finds, and what the header would say, where this runs."""
    procfs = Procfs()
    tasks = ProcfsCensus(procfs).read()
    return {
        "findings": {one.name: [one.ok, one.found] for one in examine(procfs)},
        "partial": partial_reasons(procfs, tasks, find_initial(procfs, tasks)),
    }


def _parse(text: str) -> tuple[dict[str, tuple[bool, str]], list[str]]:
    parsed = json.loads(text)
    return {name: (ok, found) for name, (ok, found) in parsed["findings"].items()}, parsed[
        "partial"
    ]


def test_root_on_the_host_is_well() -> None:
    findings: dict[str, Finding] = {one.name: one for one in examine(Procfs())}
    for name in ("user", "CAP_SYS_PTRACE", "/proc shows our pid namespace", "hidepid on /proc",
                 "pid namespace of nsview", "user namespace of nsview", "NS_GET_USERNS",
                 "NS_GET_PARENT", "NS_GET_NSTYPE", "NS_GET_OWNER_UID", "openat2",
                 "pidfd_open", "cgroups"):  # fmt: skip
        assert findings[name].ok, findings[name]
    assert all(one.cost for one in findings.values() if not one.ok)


def test_nobody_is_told_that_it_sees_little() -> None:
    findings, partial = _parse(python_as_nobody(_CODE))
    assert findings["user"] == (False, "uid 65534")
    assert findings["CAP_SYS_PTRACE"] == (False, "missing")
    assert not findings["namespaces of PID 1"][0]
    assert any(one.startswith("no CAP_SYS_PTRACE: namespaces of ") for one in partial)


def test_in_a_pid_namespace_it_says_so() -> None:
    text = python_behind(_CODE, "unshare", "--pid", "--kill-child", "--mount-proc", "--")
    findings, partial = _parse(text)
    assert not findings["pid namespace of nsview"][0]
    assert findings["/proc shows our pid namespace"][0]
    assert any("inside a pid namespace" in one for one in partial)


def test_in_a_pid_namespace_with_the_proc_of_the_host() -> None:
    findings, _ = _parse(python_behind(_CODE, "unshare", "--pid", "--kill-child", "--"))
    ok, found = findings["/proc shows our pid namespace"]
    assert not ok
    assert found.endswith("getpid() 1")


def test_in_a_user_and_a_cgroup_namespace() -> None:
    launcher = ("unshare", "--user", "--map-root-user", "--cgroup", "--")
    findings, partial = _parse(python_behind(_CODE, *launcher))
    assert not findings["user namespace of nsview"][0]
    assert not findings["cgroup namespace of nsview"][0]
    assert any("inside a user namespace" in one for one in partial)
    assert any("inside a cgroup namespace" in one for one in partial)


@pytest.mark.parametrize("who", ["nobody", "root"])
def test_hidepid(who: str) -> None:
    mount = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"'
    launcher = ("unshare", "--mount", "--", "sh", "-c", mount, "sh")
    run = python_as_nobody if who == "nobody" else python_behind
    findings, partial = _parse(run(_CODE, *launcher))
    assert findings["hidepid on /proc"] == (who == "root", "invisible")
    said = [one for one in partial if one.startswith("/proc is mounted with hidepid=invisible")]
    assert len(said) == (who == "nobody")
