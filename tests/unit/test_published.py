"""Command lines of docker-proxy, and what a rule and a proxy have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
from tui.fake import HostBuilder

from nsview.host.published import find_published, parse_proxy
from nsview.kernel.procfs import Procfs
from nsview.kernel.xtables import Forward

PROXY = (
    "/usr/sbin/docker-proxy", "-proto", "tcp", "-host-ip", "0.0.0.0", "-host-port", "18080",
    "-container-ip", "172.17.0.2", "-container-port", "80",
)  # fmt: skip


def test_a_proxy() -> None:
    assert parse_proxy(PROXY) == Forward("tcp", "0.0.0.0", 18080, "172.17.0.2", 80)
    assert parse_proxy((*PROXY, "-use-listen-fd")) == parse_proxy(PROXY)


@pytest.mark.parametrize(
    "words",
    [(), PROXY[:1], PROXY[:-1], ("docker-proxy", "-x"), (*PROXY[:-1], "9" * 5000), PROXY[:7]],
)
def test_something_else_of_that_name(words: tuple[str, ...]) -> None:
    assert parse_proxy(words) is None


def test_a_rule_and_a_proxy_for_the_same_port_are_one(tmp_path: Path) -> None:
    build = HostBuilder()
    docker = build.add("docker", "docker-proxy", 900, flags="")
    snapshot = build.snapshot()
    netns = docker.namespaces["net"].ino
    (tmp_path / "900").mkdir()
    (tmp_path / "900/cmdline").write_bytes("\0".join(PROXY).encode() + b"\0")
    rule = Forward("tcp", None, 18080, "172.17.0.2", 80)
    local = Forward("tcp", "127.0.0.1", 18080, "172.17.0.2", 80)
    found = find_published(Procfs(str(tmp_path)), snapshot, {netns: [rule, local]})
    assert [(one.address, one.forward.port, one.via) for one in found] == [
        ("0.0.0.0", 18080, ("nat", "docker-proxy")),
        ("127.0.0.1", 18080, ("nat",)),
    ]
