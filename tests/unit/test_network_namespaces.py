"""Opening a network namespace by paths that may lead elsewhere by now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.descriptors import open_descriptors

from nsview.host.network_namespaces import call_inside, open_network_namespace
from nsview.host.networks import Network

OWN = "/proc/self/ns/net"


def test_the_first_path_that_leads_there() -> None:
    ino = os.stat(OWN).st_ino
    paths = ["/proc/self/ns/none", "/proc/self/ns/uts", OWN]
    descriptor = open_network_namespace(ino, paths)
    assert descriptor is not None
    assert os.fstat(descriptor).st_ino == ino
    os.close(descriptor)


def test_a_path_that_leads_to_another_one_is_none() -> None:
    before = open_descriptors()
    assert open_network_namespace(7, [OWN]) is None
    assert call_inside(7, [OWN], lambda: "never called") is None
    assert open_descriptors() == before


def test_a_fifo_in_its_place_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "blue")
    assert open_network_namespace(7, [str(tmp_path / "blue")]) is None


@pytest.mark.parametrize(
    ("containers", "path", "name"),
    [
        (("docker/web", "docker/sidecar"), None, "docker/web"),
        ((), "/run/netns/blue", "netns/blue"),
        ((), "/run/docker/netns/1-abc", "net:[4026532180]"),
        ((), None, "net:[4026532180]"),
    ],
)
def test_what_a_network_is_called(containers: tuple[str, ...], path: str | None, name: str) -> None:
    one = Network(ino=4026532180, containers=containers, path=path, interfaces=())
    assert one.name == name
