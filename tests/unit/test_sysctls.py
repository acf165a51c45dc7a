from __future__ import annotations

from pathlib import Path

import pytest

from nsview.host.sysctls import (
    FAMILIES,
    WELL_KNOWN,
    compare_sysctls,
    namespace_of_sysctl,
    read_sysctls,
    sysctl_path,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("net.ipv4.ip_forward", "net"),
        ("net.core.somaxconn", "net"),
        ("net.core.netdev_max_backlog", None),
        ("net.ipv4.tcp_mem", None),
        ("kernel.shmmax", "ipc"),
        ("kernel.msg_next_id", "ipc"),
        ("kernel.sem", "ipc"),
        ("fs.mqueue.msg_max", "ipc"),
        ("kernel.hostname", "uts"),
        ("user.max_net_namespaces", "user"),
        ("kernel.ns_last_pid", "pid"),
        ("kernel.threads-max", None),
        ("vm.swappiness", None),
        ("fs.file-max", None),
    ],
)
def test_a_setting_belongs_to_the_namespace_that_the_manual_names(
    name: str, kind: str | None
) -> None:
    assert namespace_of_sysctl(name) == kind


def test_own_settings_are_the_containers_and_the_rest_are_the_hosts() -> None:
    host = {"kernel.hostname": "host-a", "net.ipv4.ip_forward": "1", "vm.swappiness": "60"}
    inside = {"kernel.hostname": "web", "vm.swappiness": "not asked"}
    rows = {row.name: row for row in compare_sysctls(host, inside, lambda kind: kind == "net")}
    assert (rows["kernel.hostname"].value, rows["kernel.hostname"].shared) == ("web", False)
    assert (rows["net.ipv4.ip_forward"].value, rows["net.ipv4.ip_forward"].shared) == ("1", True)
    assert (rows["vm.swappiness"].value, rows["vm.swappiness"].shared) == ("60", True)


def test_what_cannot_be_read_inside_is_unknown_and_not_the_hosts() -> None:
    (row,) = compare_sysctls({"kernel.hostname": "host-a"}, {}, lambda kind: False)
    assert row.value is None
    assert row.host == "host-a"


def test_reading_leaves_out_what_is_missing(tmp_path: Path) -> None:
    path = Path(sysctl_path("net.ipv4.ip_forward", str(tmp_path)))
    path.parent.mkdir(parents=True)
    path.write_text("1\n")
    assert read_sysctls(str(tmp_path)) == {"net.ipv4.ip_forward": "1"}


def test_every_well_known_setting_has_a_family() -> None:
    kinds = {family.kind for family in FAMILIES}
    assert {namespace_of_sysctl(name) for name in WELL_KNOWN} <= kinds
