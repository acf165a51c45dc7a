"""Which engine's record belongs to what a cgroup path says."""

from __future__ import annotations

from nsview.engines.base import Match, Record
from nsview.host.records import Records

ID = "ab" * 32


def record(engine: str, id: str, **more: object) -> Record:
    return Record(engine=engine, id=id, home="/var/lib/" + engine, **more)  # type: ignore[arg-type]


def match(engine: str, id: str, **more: object) -> Match:
    return Match(engine=engine, id=id, **more)  # type: ignore[arg-type]


def test_the_same_engine_and_id() -> None:
    docker, podman = record("docker", ID), record("podman", ID)
    records = Records([podman, docker])
    assert records.find(match("docker", ID)) is docker
    assert records.find(match("podman", ID)) is podman
    assert records.find(match("docker", "cd" * 32)) is None
    assert records.all == (podman, docker)


def test_a_random_id_is_enough_where_the_path_names_another_engine() -> None:
    crio = record("cri-o", ID)
    assert Records([crio]).find(match("containerd", ID)) is crio
    half = record("cri-o", "ab" * 16)
    assert Records([half]).find(match("containerd", half.id)) is half


def test_a_free_name_is_not() -> None:
    records = Records([record("containerd", "web"), record("containerd", "w" * 31)])
    assert records.find(match("lxc", "web")) is None
    assert records.find(match("lxc", "w" * 31)) is None


def test_the_engine_that_the_path_names_goes_first() -> None:
    other, right = record("cri-o", ID), record("containerd", ID)
    assert Records([other, right]).find(match("containerd", ID)) is right


def test_namespaces_of_containerd_are_kept_apart() -> None:
    moby, k8s = (record("containerd", "web", namespace=name) for name in ("moby", "k8s.io"))
    records = Records([moby, k8s])
    assert records.find(match("containerd", "web", namespace="k8s.io")) is k8s
    assert records.find(match("containerd", "web", namespace="moby")) is moby
    assert records.find(match("containerd", "web", namespace="default")) is None
    unsaid = record("containerd", "app")
    assert Records([unsaid]).find(match("containerd", "app", namespace="default")) is unsaid


def test_each_user_has_an_engine() -> None:
    root, alice = record("podman", "web"), record("podman", "web", user=1000)
    for records in (Records([root, alice]), Records([alice, root])):
        assert records.find(match("podman", "web")) is root
        assert records.find(match("podman", "web", user=1000)) is alice
    assert Records([alice]).find(match("podman", "web", user=1001)) is alice  # the only one
