"""resolv.conf(5), also one that somebody wrote to do harm."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nsview.host.model import Container
from nsview.host.name_service import NameService, parse_resolv_conf, read_name_service
from nsview.kernel.procfs import Procfs


def test_a_file() -> None:
    data = b"""\
# made by somebody
nameserver 10.0.0.53 trailing
nameserver fd00::53
 nameserver 10.0.0.54
domain old.example
search shop.example  example
options ndots:5 edns0
options timeout:1
"""
    assert parse_resolv_conf(data) == NameService(
        servers=("10.0.0.53", "fd00::53"),
        search=("shop.example", "example"),
        options=("ndots:5", "edns0", "timeout:1"),
    )
    assert parse_resolv_conf(b"nameserver\nsearch\noptions\ndomain") == NameService()


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    parse_resolv_conf(data)


def one(pid: int) -> Container:
    return Container(ref="docker/web", engine="docker", id=None, name="web", pid=pid)


def procfs_with_root(directory: Path) -> Procfs:
    (directory / "proc/7/root/etc").mkdir(parents=True)
    return Procfs(str(directory / "proc"))


def test_no_link_leads_out_of_the_root(tmp_path: Path) -> None:
    procfs = procfs_with_root(tmp_path)
    (tmp_path / "outside").write_text("nameserver 6.6.6.6\n")
    path = tmp_path / "proc/7/root/etc/resolv.conf"
    path.symlink_to("../../../../outside")
    assert read_name_service(procfs, one(7)) is None
    path.unlink()
    path.symlink_to("/etc/own")
    (tmp_path / "proc/7/root/etc/own").write_text("nameserver 10.0.0.1\n")
    assert read_name_service(procfs, one(7)) == NameService(servers=("10.0.0.1",))


def test_what_is_no_file_or_not_there(tmp_path: Path) -> None:
    procfs = procfs_with_root(tmp_path)
    assert read_name_service(procfs, one(7)) is None
    os.mkfifo(tmp_path / "proc/7/root/etc/resolv.conf")
    assert read_name_service(procfs, one(7)) is None
    assert read_name_service(procfs, one(8)) is None
