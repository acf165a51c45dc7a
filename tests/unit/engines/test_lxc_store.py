"""LXC's containers from their lxcpath."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.base import User
from nsview.engines.lxc_store import LxcStore, parse_rootfs
from nsview.engines.stores import StoreSearch


def write(root: Path, name: str, *lines: str) -> None:
    (root / name).mkdir(parents=True)
    (root / name / "config").write_text("".join(f"{line}\n" for line in lines))


def test_records(tmp_path: Path) -> None:
    write(tmp_path, "web", "# made by hand", "lxc.rootfs.path = dir:/var/lib/lxc/web/rootfs")
    write(tmp_path, "clone", "lxc.rootfs.path=overlay:/a/rootfs:/b/delta0")
    write(tmp_path, "old", "lxc.rootfs = /var/lib/lxc/old/rootfs")
    (tmp_path / "snaps").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "web")
    (tmp_path / "link2").mkdir()
    (tmp_path / "link2/config").symlink_to(tmp_path / "web/config")
    records = LxcStore("/", str(tmp_path)).read_records()
    assert {(r.engine, r.id, r.name, r.driver) for r in records} == {
        ("lxc", "web", "web", "dir"),
        ("lxc", "clone", "clone", "overlay"),
        ("lxc", "old", "old", "dir"),
    }


def test_rootless(tmp_path: Path) -> None:
    write(tmp_path / ".local/share/lxc", "mine", "lxc.rootfs.path = dir:/x")
    user = User(uid=os.getuid(), name="me", home=str(tmp_path))
    stores = [
        store for store in StoreSearch().find((), (user,)) if store.home.startswith(str(tmp_path))
    ]
    assert [record.user for store in stores for record in store.read_records()] == [user.uid]


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    assert parse_rootfs(data)[0]
