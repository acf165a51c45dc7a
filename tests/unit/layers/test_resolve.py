"""Mount lines of every form, resolved in trees below tmp_path as if that were ``/``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.mountinfo import Mount, parse_mountinfo
from nsview.layers.resolve import resolve_overlay
from nsview.layers.stack import Stack
from nsview.layers.views import Directory, View, find_directory

ID = "9f" * 32


def overlay(options: str, target: str = "/", device: str = "0:39") -> Mount:
    line = f"49 43 {device} / {target} rw,relatime - overlay overlay rw,{options}\n"
    (mount,) = parse_mountinfo(os.fsencode(line))
    return mount


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name.lstrip("/")).mkdir(parents=True, exist_ok=True)


def link(root: Path, name: str, target: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(target)


def resolve(
    root: Path, options: str, *, host: str | None = None, stored: Sequence[Directory | None] = ()
) -> Stack:
    """Resolve in one mount namespace; `host` is where the overlay is mounted in there."""
    mounts = (overlay(options, host),) if host else ()
    view = View(str(root), mounts)
    return resolve_overlay(overlay(options), [view], stored=lambda: stored)


def summary(stack: Stack) -> list[tuple[str, str | None, str]]:
    return [(layer.role, layer.path, layer.resolution) for layer in stack.layers]


def docker_tree(root: Path) -> None:
    for name, short in ((f"{ID}-init", "INIT"), ("aa", "TOP"), ("bb", "BASE")):
        make(root, f"d/overlay2/{name}/diff")
        link(root, f"d/overlay2/l/{short}", f"../{name}/diff")
    make(root, f"d/overlay2/{ID}/diff", f"d/overlay2/{ID}/work")


DOCKER = [
    ("upper", f"/d/overlay2/{ID}/diff"),
    ("lower", f"/d/overlay2/{ID}-init/diff"),
    ("lower", "/d/overlay2/aa/diff"),
    ("lower", "/d/overlay2/bb/diff"),
]


def test_docker_with_absolute_links(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    lower = ":".join(f"/d/overlay2/l/{name}" for name in ("INIT", "TOP", "BASE"))
    options = f"lowerdir={lower},upperdir=/d/overlay2/{ID}/diff,workdir=/d/overlay2/{ID}/work"
    stack = resolve(tmp_path, options, host=f"/d/overlay2/{ID}/merged")
    assert summary(stack) == [(*one, "exact") for one in DOCKER]
    assert stack.target == f"{tmp_path}/d/overlay2/{ID}/merged"
    assert stack.device == "0:39"
    assert stack.options == (("rw", ""), ("workdir", f"/d/overlay2/{ID}/work"))
    assert [layer.writable for layer in stack.layers] == [True, False, False, False]
    assert stack.layers[1].shown_as == "/d/overlay2/l/INIT"
    assert stack.layers[1].directory == f"{tmp_path}/d/overlay2/{ID}-init/diff"
    assert stack.notes == ()


RELATIVE = f"lowerdir=l/INIT:l/TOP:l/BASE,upperdir={ID}/diff,workdir={ID}/work"


def test_docker_relative_to_its_home(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    stack = resolve(tmp_path, RELATIVE, host=f"/d/overlay2/{ID}/merged")
    assert summary(stack) == [(*one, "by-device") for one in DOCKER]


def test_relative_layers_without_a_base_are_not_guessed(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    make(tmp_path, "l/INIT", "l/TOP", "l/BASE", f"{ID}/diff")  # what the root happens to have
    for host in (None, "/elsewhere/merged", "/merged", f"/wrong/{ID}/merged"):
        stack = resolve(tmp_path, RELATIVE, host=host)
        assert {layer.resolution for layer in stack.layers} == {"unresolvable"}
        assert all(layer.path is None for layer in stack.layers)
        assert "l/INIT" in stack.notes[0]


def test_relative_layers_by_what_the_engine_says(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    stored = [find_directory(str(tmp_path), path) for _, path in DOCKER]
    stack = resolve(tmp_path, RELATIVE, stored=stored)
    assert summary(stack) == [(*one, "store") for one in DOCKER]
    assert resolve(tmp_path, RELATIVE, stored=stored[1:]).layers[0].path is None


def test_what_the_engine_says_is_dropped_where_the_kernel_says_otherwise(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    make(tmp_path, "other/diff")
    options = f"lowerdir=/gone:/d/overlay2/l/TOP,upperdir=/d/overlay2/{ID}/diff"
    stored = [find_directory(str(tmp_path), path) for path in ("/other/diff", "/d", "/d")]
    stack = resolve(tmp_path, options, host="/m", stored=stored)
    assert [layer.path for layer in stack.layers] == [
        f"/d/overlay2/{ID}/diff", None, "/d/overlay2/aa/diff",
    ]  # fmt: skip


def test_containerd_beside_its_upper_layer(tmp_path: Path) -> None:
    make(tmp_path, *(f"c/snapshots/{number}/fs" for number in (60, 59, 58)))
    options = "workdir=/c/snapshots/60/work,upperdir=/c/snapshots/60/fs,lowerdir=59/fs:58/fs"
    stack = resolve(tmp_path, options, host="/run/rootfs")
    assert summary(stack) == [
        ("upper", "/c/snapshots/60/fs", "exact"),
        ("lower", "/c/snapshots/59/fs", "relative"),
        ("lower", "/c/snapshots/58/fs", "relative"),
    ]


def test_descriptors_by_the_file_beside_the_upper_layer(tmp_path: Path) -> None:
    make(tmp_path, "s/overlay/up/diff", "s/overlay/aa/diff", "s/overlay/bb/diff")
    link(tmp_path, "s/overlay/l/A", "../aa/diff")
    link(tmp_path, "s/overlay/l/B", "../bb/diff")
    (tmp_path / "s/overlay/up/lower").write_text("l/A:l/B")
    options = "lowerdir=7:8,upperdir=/s/overlay/up/diff,workdir=/s/overlay/up/work"
    stack = resolve(tmp_path, options, host="/s/overlay/up/merged")
    assert summary(stack) == [
        ("upper", "/s/overlay/up/diff", "exact"),
        ("lower", "/s/overlay/aa/diff", "fd"),
        ("lower", "/s/overlay/bb/diff", "fd"),
    ]
    (tmp_path / "s/overlay/up/lower").write_text("l/A")  # of another number of layers
    stack = resolve(tmp_path, options, host="/s/overlay/up/merged")
    assert [layer.resolution for layer in stack.layers[1:]] == ["unresolvable"] * 2


def test_descriptors_alone_say_nothing(tmp_path: Path) -> None:
    make(tmp_path, "3", "4", "m", "u")
    stack = resolve(tmp_path, "lowerdir=3:4,upperdir=/u", host="/m/x")
    assert [layer.path for layer in stack.layers] == ["/u", None, None]


def test_temporary_mounts_need_a_witness(tmp_path: Path) -> None:
    make(tmp_path, *(f"c/snapshots/{number}/fs" for number in (60, 59)))
    options = "lowerdir=/c/tmpmounts/ovl-idmapped123/59/fs,upperdir=/c/snapshots/60/fs"
    assert resolve(tmp_path, options, host="/r").layers[1].path is None
    stored = [find_directory(str(tmp_path), f"/c/snapshots/{one}/fs") for one in (60, 59)]
    stack = resolve(tmp_path, options, host="/r", stored=stored)
    assert summary(stack)[1] == ("lower", "/c/snapshots/59/fs", "store")


def test_a_detached_mount_says_nothing(tmp_path: Path) -> None:
    stack = resolve(tmp_path, "lowerdir+=/,upperdir=/,workdir=/", host="/m")
    assert [layer.path for layer in stack.layers] == [None, None]


def test_composefs_and_data_only_layers(tmp_path: Path) -> None:
    make(tmp_path, "lower", "repo/objects", "more")
    options = "lowerdir+=/lower,datadir+=/repo/objects,redirect_dir=on,metacopy=on"
    stack = resolve(tmp_path, options, host="/")
    assert summary(stack) == [("lower", "/lower", "exact"), ("data", "/repo/objects", "exact")]
    assert stack.rules.metacopy
    assert stack.rules.follow_redirects
    assert not any(layer.writable for layer in stack.layers)
    stack = resolve(tmp_path, "lowerdir=/lower::/repo/objects::/more", host="/")
    assert [layer.role for layer in stack.layers] == ["lower", "data", "data"]


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        (r"/u\1343", r"u\3"),  # by descriptor: the kernel added no backslash
        (r"/u\1343", "u3"),
        (r"/u\134\0542", "u,2"),
        (r"/u\0542", "u,2"),
        (r"/u:1", "u:1"),
    ],
)
def test_an_upper_layer_with_a_backslash(tmp_path: Path, shown: str, name: str) -> None:
    make(tmp_path, name, "l")
    stack = resolve(tmp_path, f"lowerdir=/l,upperdir={shown}", host="/m")
    assert stack.layers[0].path == f"/{name}"


def test_odd_names(tmp_path: Path) -> None:
    names = ("a b", "a\nb", "a:b", "a,b", "a\\b", os.fsdecode(b"a\xffb"))
    make(tmp_path, *names)
    shown = (r"a\040b", r"a\012b", r"a\134:b", r"a\134\054b", r"a\134\134b", os.fsdecode(b"a\xffb"))
    stack = resolve(tmp_path, "lowerdir=" + ":".join(f"/{name}" for name in shown), host="/m")
    assert [layer.path for layer in stack.layers] == [f"/{name}" for name in names]


def test_a_deleted_layer_is_said_to_be_lost(tmp_path: Path) -> None:
    make(tmp_path, "u", "l2")
    stack = resolve(tmp_path, "lowerdir=/l1:/l2,upperdir=/u", host="/m")
    assert [layer.path for layer in stack.layers] == ["/u", None, "/l2"]
    assert stack.notes == ("no directory found for layer 1 (/l1)",)


def test_links_do_not_leave_the_root(tmp_path: Path) -> None:
    make(tmp_path, "u", "in/etc")
    link(tmp_path, "in/out", "/etc")
    link(tmp_path, "in/up", "../../../../etc")
    stack = resolve(tmp_path / "in", "lowerdir=/out:/up", host="/m")
    assert [layer.path for layer in stack.layers] == ["/etc", "/etc"]
    assert stack.layers[0].root == str(tmp_path / "in")
    (tmp_path / "in/etc").rmdir()
    assert resolve(tmp_path / "in", "lowerdir=/out:/up", host="/m").layers[0].path is None


def test_nested_overlays_resolve_where_they_are_listed(tmp_path: Path) -> None:
    make(tmp_path, "host/u", "host/l", "inner/u", "inner/l")
    options = "lowerdir=/l,upperdir=/u"
    host = View(str(tmp_path / "host"), (overlay(options, "/other", device="0:7"),))
    inner = View(str(tmp_path / "inner"), (overlay(options, "/m"),))
    stack = resolve_overlay(overlay(options), [host, inner])
    assert {layer.root for layer in stack.layers} == {str(tmp_path / "inner")}
    assert stack.target == f"{tmp_path}/inner/m"
    stack = resolve_overlay(overlay(options), [host])
    assert [layer.path for layer in stack.layers] == [None, None]


def test_a_read_only_mount_of_an_overlay(tmp_path: Path) -> None:
    make(tmp_path, "l1", "l2")
    line = b"49 43 0:39 / / ro - overlay overlay ro,lowerdir=/l1:/l2\n"
    (mount,) = parse_mountinfo(line)
    stack = resolve_overlay(mount, [View(str(tmp_path), (mount,))])
    assert summary(stack) == [("lower", "/l1", "exact"), ("lower", "/l2", "exact")]
    assert not any(layer.writable for layer in stack.layers)


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_any_options(options: bytes, target: bytes) -> None:
    line = b"49 43 0:39 / /%s rw - overlay overlay rw,lowerdir=%s\n" % (target, options)
    for mount in parse_mountinfo(line):
        stack = resolve_overlay(mount, [View("/nonexistent", (mount,))])
        assert all(layer.path is None for layer in stack.layers)
