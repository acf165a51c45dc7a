"""Roots that are no overlay, from captured lines and trees below tmp_path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.errors import NoSuchObject
from nsview.kernel.aufs import Branch
from nsview.kernel.mountinfo import Mount, parse_mountinfo
from nsview.kernel.overlayfs import OverlayOptions
from nsview.layers.fuse_overlay import FuseLayers, parse_fuse_command, stack_of_fuse
from nsview.layers.plain import resolve_aufs, resolve_plain, stack_of_directories
from nsview.layers.rules import overlay_rules
from nsview.layers.stack import OverlayRules
from nsview.layers.views import View


def mount(line: str) -> Mount:
    (one,) = parse_mountinfo(os.fsencode(line) + b"\n")
    return one


def view(root: Path, *lines: str) -> View:
    return View(str(root), tuple(map(mount, lines)))


def test_directories(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("b")
    stack = stack_of_directories([f"{tmp_path}/a", f"{tmp_path}/link"])
    assert [layer.path for layer in stack.layers] == [f"{tmp_path}/a", f"{tmp_path}/b"]
    assert [layer.role for layer in stack.layers] == ["upper", "lower"]
    assert not any(layer.writable for layer in stack.layers)
    with pytest.raises(NoSuchObject, match="nothing is no directory"):
        stack_of_directories([f"{tmp_path}/a", "nothing"])


BTRFS = "60 40 0:31 {} / {} - btrfs /dev/sda2 rw,ssd,subvolid=258,subvol=/c/root"


@pytest.mark.parametrize("options", ["rw,relatime", "ro,relatime"])
def test_a_directory_of_a_file_system_that_is_mounted_elsewhere(
    tmp_path: Path, options: str
) -> None:
    (tmp_path / "pool/c/root").mkdir(parents=True)
    host = view(tmp_path, "30 1 0:31 / /pool rw - btrfs /dev/sda2 rw")
    own = str(tmp_path / "pool/c/root")
    stack = resolve_plain(mount(BTRFS.format("/c/root", options)), [host], own)
    (layer,) = stack.layers
    assert (layer.directory, layer.resolution) == (own, "by-device")
    assert layer.writable == options.startswith("rw")
    assert stack.fstype == "btrfs"
    assert stack.target == own
    assert stack.rules.form == "plain"
    assert ("subvol", "/c/root") in stack.options


def test_another_directory_there_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "pool/c/root").mkdir(parents=True)
    (tmp_path / "own").mkdir()
    host = view(tmp_path, "30 1 0:31 / /pool rw - btrfs /dev/sda2 rw")
    own = str(tmp_path / "own")
    stack = resolve_plain(mount(BTRFS.format("/c/root", "rw")), [host], own)
    (layer,) = stack.layers
    assert (layer.root, layer.path, stack.target) == (own, "/", None)


def test_a_subdirectory_of_what_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "m/root").mkdir(parents=True)
    host = view(
        tmp_path,
        "30 1 0:31 /cx /wrong rw - btrfs /dev/sda2 rw",
        "31 1 0:31 /c /m rw - btrfs /dev/sda2 rw",
    )
    own = str(tmp_path / "m/root")
    stack = resolve_plain(mount(BTRFS.format("/c/root", "rw")), [host], own)
    assert stack.layers[0].directory == own


def test_fuse_is_not_even_looked_at(tmp_path: Path) -> None:
    line = "60 40 0:31 / / rw - fuse.sshfs x rw,user_id=0"
    stack = resolve_plain(mount(line), [view(tmp_path, line)], str(tmp_path))
    assert stack.fstype == "fuse.sshfs"
    assert stack.layers[0].root == str(tmp_path)


def test_aufs(tmp_path: Path) -> None:
    (tmp_path / "d/top").mkdir(parents=True)
    line = mount("149 138 0:42 / / rw,relatime - aufs none rw,si=caafa548068e525")
    host = view(tmp_path, "49 1 0:42 / /mnt/x rw - aufs none rw,si=caafa548068e525")
    stack = resolve_aufs(line, [Branch("/d/top", "rw"), Branch("/d/gone", "ro")], host)
    assert [(one.role, one.path, one.writable) for one in stack.layers] == [
        ("branch", "/d/top", True),
        ("branch", None, False),
    ]
    assert stack.rules.form == "aufs"
    assert stack.target == f"{tmp_path}/mnt/x"
    assert resolve_aufs(line, None, host).notes


OPTIONS = r"lowerdir=/s/l/A:/s/l\:B,upperdir=/s/up\,1,workdir=/s/w,volatile"
COMMAND = ("fuse-overlayfs", "-o", OPTIONS, "/m")


def test_the_command_line_of_fuse_overlayfs() -> None:
    assert parse_fuse_command(COMMAND) == FuseLayers(("/s/l/A", "/s/l:B"), "/s/up,1", "/m")
    words = ("/usr/bin/fuse-overlayfs", "-f", "-olowerdir=/a", "/m")
    assert parse_fuse_command(words) == FuseLayers(("/a",), None, "/m")
    for words in ((), ("sshfs", *COMMAND[1:]), ("fuse-overlayfs", "/m"), COMMAND[:-1], COMMAND[:2]):
        assert parse_fuse_command(words) is None


@given(st.lists(st.text(max_size=12)))
def test_any_command_line(words: list[str]) -> None:
    parse_fuse_command(words)
    parse_fuse_command(["fuse-overlayfs", "-o", *words])


def test_the_layers_of_fuse_overlayfs(tmp_path: Path) -> None:
    (tmp_path / "s/l/A").mkdir(parents=True)
    (tmp_path / "s/up,1").mkdir()
    line = mount("60 40 0:50 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw,user_id=1000")
    told = parse_fuse_command(COMMAND)
    assert told is not None
    stack = stack_of_fuse(line, told, view(tmp_path), user=1000)
    assert [layer.path for layer in stack.layers] == ["/s/up,1", "/s/l/A", None]
    assert stack.rules.form == "fuse-overlayfs"
    assert stack.rules.xattr_prefix == "user.overlay."
    assert stack.fstype == "fuse.fuse-overlayfs"


def parameters(root: Path, **values: str) -> str:
    for name, value in values.items():
        file = root / "module/overlay/parameters" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
    return str(root)


def test_rules_of_the_module_hold_where_no_option_is_shown(tmp_path: Path) -> None:
    none = OverlayOptions(lower=())
    assert overlay_rules(none, "/nonexistent") == OverlayRules(follow_redirects=False)
    sysfs = parameters(tmp_path, redirect_dir="N", redirect_always_follow="Y", metacopy="N")
    assert overlay_rules(none, sysfs) == OverlayRules()
    shown = OverlayOptions(lower=(), redirect_dir="nofollow")
    assert overlay_rules(shown, sysfs) == OverlayRules(follow_redirects=False)
    sysfs = parameters(tmp_path, redirect_always_follow="N", metacopy="Y")
    assert overlay_rules(none, sysfs) == OverlayRules(follow_redirects=False, metacopy=True)
    assert overlay_rules(OverlayOptions(lower=(), redirect_dir="on"), sysfs).follow_redirects
    user = OverlayOptions(lower=(), userxattr=True, redirect_dir="nofollow")
    assert overlay_rules(user, sysfs) == OverlayRules(
        xattr_prefix="user.overlay.", follow_redirects=False
    )
