"""What a person may type to name a container."""

from __future__ import annotations

import pytest
from support.made_up import task

from nsview.errors import Ambiguous, NoSuchObject
from nsview.host.model import Container, NamespaceUse, Snapshot
from nsview.host.reference import find_container, find_task

WEB = Container(
    ref="docker/web",
    engine="docker",
    id="9f3c0a1b" + "0" * 56,
    name="web",
    pid=4711,
    members=(4711,),
    namespaces={"mnt": NamespaceUse(4026532180, False)},
)
OTHER_WEB = Container(ref="podman/web", engine="podman", id="9f3d" + "1" * 60, name="web", pid=5)
OLD_DB = Container(ref="docker/db", engine="docker", id="aaaa", name="db", status="stopped")
DB = Container(ref="podman/db", engine="podman", id="bbbb", name="db", pid=6)
HOST = Container(ref="host", engine="host", id=None, name="host", kind="host", pid=1)
SNAPSHOT = Snapshot(
    tasks={pid: task(pid) for pid in (1, 5, 6, 4711)},
    containers=(HOST, WEB, OTHER_WEB, DB, OLD_DB),
    membership={4711: "docker/web", 5: "podman/web", 6: "podman/db"},
    initial={},
)


@pytest.mark.parametrize(
    ("reference", "ref"),
    [
        ("docker/web", "docker/web"),
        ("9f3c", "docker/web"),
        ("4711", "docker/web"),
        ("pid:4711", "docker/web"),
        ("mnt:[4026532180]", "docker/web"),
        ("1", "host"),
        ("db", "podman/db"),  # the stopped namesake does not stand in the way
    ],
)
def test_one_is_found(reference: str, ref: str) -> None:
    assert find_container(SNAPSHOT, reference).ref == ref


def test_several_are_all_named() -> None:
    with pytest.raises(Ambiguous) as caught:
        find_container(SNAPSHOT, "web")
    assert caught.value.candidates == ["docker/web", "podman/web"]


@pytest.mark.parametrize(
    "reference", ["nope", "9f3", "", "99", "pid:x", "net:[1]", "foo:[1]", "\uff11"]
)
def test_none_is_found(reference: str) -> None:
    with pytest.raises(NoSuchObject) as caught:
        find_container(SNAPSHOT, reference)
    assert not isinstance(caught.value, Ambiguous)


def test_a_process_by_number() -> None:
    assert find_task(SNAPSHOT, "pid:5").pid == 5
    for reference in ("77", "web", "-1", "5 "):
        with pytest.raises(NoSuchObject):
            find_task(SNAPSHOT, reference)
