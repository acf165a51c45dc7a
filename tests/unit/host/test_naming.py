"""Refs never collide."""

from __future__ import annotations

from nsview.engines.base import Pod
from nsview.host.model import Container
from nsview.host.naming import unique_refs

WEB = Container(ref="", engine="docker", id="1" * 64, name="web", pid=10, start_time=10)


def test_namesakes_are_told_apart_and_the_elder_keeps_the_name() -> None:
    younger = WEB._replace(id="2" * 64, pid=20, start_time=20)
    refs = unique_refs({"b": younger, "a": WEB})
    assert refs == {"a": "docker/web", "b": "docker/web:" + "2" * 12}


def test_a_third_with_the_same_short_id_gets_a_ref_of_its_own() -> None:
    twins = {n: WEB._replace(id="2" * 63 + str(n), pid=n, start_time=n) for n in range(1, 5)}
    assert len(set(unique_refs(twins).values())) == len(twins)


def test_the_hosts_name_is_taken() -> None:
    impostor = WEB._replace(engine="host", name="host")
    assert unique_refs({1: impostor})[1] not in ("host", "")


def test_forms() -> None:
    pod = Pod(uid="u", name="cart-7d9f", namespace="shop")
    forms = {
        "rootless": WEB._replace(engine="podman", owner=1000),
        "in a pod": WEB._replace(engine="containerd", name="cart", pod=pod),
        "the pod": WEB._replace(engine="containerd", name="pause", kind="pod", pod=pod),
        "nameless": WEB._replace(engine="unshare", name="sleep", pid=4711),
    }
    assert unique_refs(forms) == {
        "rootless": "podman@1000/web",
        "in a pod": "containerd/shop/cart-7d9f/cart",
        "the pod": "containerd/shop/cart-7d9f",
        "nameless": "unshare/4711",
    }
