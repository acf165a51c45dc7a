"""The root that an LXC container's config names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.disk import DiskStore
from nsview.engines.lxc_rootfs import directories_of, read_stack
from nsview.engines.lxc_store import parse_rootfs


@pytest.mark.parametrize(
    ("value", "kind", "directories"),
    [
        ("dir:/var/lib/lxc/c1/rootfs", "dir", ["/var/lib/lxc/c1/rootfs"]),
        ("/var/lib/lxc/c1/rootfs", "dir", ["/var/lib/lxc/c1/rootfs"]),
        ("/with:colon", "dir", ["/with:colon"]),
        ("btrfs:/b", "btrfs", ["/b"]),
        ("overlay:/base/rootfs:/c/delta", "overlay", ["/c/delta", "/base/rootfs"]),
        ("overlayfs:/base:/c", "overlayfs", ["/c", "/base"]),
        ("overlay:/base", "overlay", []),
        ("lvm:/dev/vg/c1", "lvm", []),
        ("dir:relative", "dir", []),
        ("", "dir", []),
        ("floppy:/a", "dir", []),
    ],
)
def test_rootfs(value: str, kind: str, directories: list[str]) -> None:
    text = f"lxc.rootfs.path = dir:/before\n# comment\nlxc.rootfs.path = {value}\nlxc.uts.name = x"
    found = parse_rootfs(text.encode())
    assert found[0] == kind
    assert directories_of(*found) == directories


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    parse_rootfs(data)
    found = parse_rootfs(b"lxc.rootfs.path = " + data)
    assert all(path.startswith("/") for path in directories_of(*found))


def test_the_stack(tmp_path: Path) -> None:
    (tmp_path / "c1").mkdir()
    (tmp_path / "c1/config").write_text("lxc.rootfs.path = overlay:/base:/delta\n")
    stack = read_stack(DiskStore("/", str(tmp_path), 0), "c1")
    assert stack is not None
    assert [(one.role, one.path) for one in stack.layers] == [
        ("upper", "/delta"),
        ("lower", "/base"),
    ]
    assert stack.form == "overlay"
    assert read_stack(DiskStore("/", str(tmp_path), 0), "c2") is None
    assert read_stack(DiskStore("/", str(tmp_path), 0), "../c1") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another user")
@pytest.mark.parametrize("inside", [True, False])
def test_a_user_names_only_what_is_in_the_own_store(tmp_path: Path, inside: bool) -> None:
    (tmp_path / "c1").mkdir()
    config = tmp_path / "c1/config"
    path = f"{tmp_path}/c1/rootfs" if inside else "/root"
    config.write_text(f"lxc.rootfs.path = dir:{path}\n")
    os.chown(config, 1000, 1000)
    stack = read_stack(DiskStore("/", str(tmp_path), 1000), "c1")
    if not inside:
        assert stack is None
        return
    assert stack is not None
    assert (stack.root, stack.layers[0].path) == (str(tmp_path), "/c1/rootfs")
