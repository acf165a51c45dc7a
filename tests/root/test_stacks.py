"""Stacks of real overlay mounts, each in a private mount namespace that ends with the test."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import processes
from support.requirements import need_programs

from nsview.host.host import Host
from nsview.host.stacks import read_stack
from nsview.layers.stack import Layer, Stack

#: A root with nothing but busybox, as the lowest layer of all.
_BASE = """
set -e
cd {here}
mkdir -p base/bin base/proc base/etc base/old u w m
cp /bin/busybox base/bin/
ln -s busybox base/bin/sh
echo base >base/etc/base
overlay() { {python} -IS {here}/overlay.py "$@"; }
"""
#: mount(2) as it is: what mount(8) makes of options differs from one version to the next.
_OVERLAY = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
options, target = map(os.fsencode, sys.argv[1:])
if libc.mount(b"o", target, b"overlay", ctypes.c_ulong(0), options):
    sys.exit(os.strerror(ctypes.get_errno()))
"""
_STAY = """
cd /
{before}
echo
exec unshare --pid --fork --kill-child chroot {root} /bin/busybox sleep 100000
"""


@contextlib.contextmanager
def mounted(here: Path, script: str, *, root: str = "m", before: str = ":") -> Iterator[int]:
    """Run `script` in a mount namespace and then a process on `root` below `here`; its PID."""
    need_programs("busybox", "unshare", "chroot")
    text = _BASE + script + _STAY.format(root=here / root, before=before)
    text = text.replace("{here}", str(here)).replace("{python}", sys.executable)
    (here / "overlay.py").write_text(_OVERLAY)
    with processes.started("unshare", "--mount", "--", "sh", "-c", text) as process:
        processes.read_line(process)
        yield processes.wait_until(lambda: _sleeping(process.pid))


def _sleeping(pid: int) -> int | None:
    """The innermost process, once it has become the sleep."""
    innermost = processes.descendants(pid)[-1]
    with contextlib.suppress(OSError):
        if Path(f"/proc/{innermost}/cmdline").read_bytes().endswith(b"sleep\x00100000\x00"):
            is_busybox = os.readlink(f"/proc/{innermost}/exe").endswith("/bin/busybox")
            return innermost if is_busybox else None
    return None


def look_at(pid: int) -> tuple[Stack, list[tuple[int, int] | None]]:
    """The stack, and which directories its layers are as long as the process lives."""
    host = Host()
    snapshot = host.snapshot()
    (container,) = (one for one in snapshot.containers if pid in one.members)
    stack = read_stack(host, snapshot, container)
    return stack, inodes(stack.layers)


def inodes(layers: tuple[Layer, ...]) -> list[tuple[int, int] | None]:
    found = [os.stat(layer.directory) if layer.directory else None for layer in layers]
    return [(one.st_dev, one.st_ino) if one else None for one in found]


def inode(path: str | Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


OVERLAY = "overlay {},upperdir={{here}}/u,workdir={{here}}/w {{here}}/m\n"


def test_absolute_layers(tmp_path: Path) -> None:
    script = "mkdir l1; echo x >l1/x\n" + OVERLAY.format("lowerdir={here}/l1:{here}/base")
    with mounted(tmp_path, script) as pid:
        stack, _found = look_at(pid)
    assert [layer.directory for layer in stack.layers] == [
        f"{tmp_path}/u", f"{tmp_path}/l1", f"{tmp_path}/base",
    ]  # fmt: skip
    assert {layer.resolution for layer in stack.layers} == {"exact"}
    assert [layer.writable for layer in stack.layers] == [True, False, False]


def test_odd_names(tmp_path: Path) -> None:
    names = ("a b", "a:b", "a,b", "a\\b", "a\nb", "a\tb", "a#b", "ä")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)

    def typed(name: str) -> str:
        return "".join("\\" + char if char in ",:\\" else char for char in name)

    lower = ":".join(f"{{here}}/{typed(name)}" for name in names)
    script = "overlay 'lowerdir=" + lower + ":{here}/base' {here}/m\n"
    with mounted(tmp_path, script) as pid:
        _stack, found = look_at(pid)
    assert found == [inode(tmp_path / name) for name in (*names, "base")]


def test_relative_layers_by_the_witness_alone(tmp_path: Path) -> None:
    """Nothing in the names tells the directory: what the overlay shows does."""
    script = "mkdir l1; echo x >l1/x\noverlay lowerdir=l1:base,upperdir=u,workdir=w m\n"
    with mounted(tmp_path, script) as pid:
        stack, found = look_at(pid)
    assert found == [inode(tmp_path / name) for name in ("u", "l1", "base")]
    assert {layer.resolution for layer in stack.layers} == {"by-device"}


def test_relative_layers_elsewhere_are_not_guessed(tmp_path: Path) -> None:
    """Directories of the same names beside the mount point are other ones."""
    script = """
    mkdir -p a/l1 b/l1 b/base b/m; echo x >a/l1/x; cp -a base a/; echo y >b/l1/y; echo z >b/base/z
    cd a; overlay lowerdir=l1:base {here}/b/m; cd ..
    """
    with mounted(tmp_path, script, root="b/m") as pid:
        stack, _found = look_at(pid)
    assert [layer.directory for layer in stack.layers] == [None, None]


def test_containerd_s_relative_layers(tmp_path: Path) -> None:
    script = """
    mkdir -p s/60/fs s/60/work s/59/fs s/58; mv base s/58/fs; echo x >s/59/fs/x; cd s
    overlay \\
        lowerdir=59/fs:58/fs,upperdir={here}/s/60/fs,workdir={here}/s/60/work {here}/m
    """
    with mounted(tmp_path, script) as pid:
        stack, found = look_at(pid)
    assert found == [inode(tmp_path / f"s/{one}/fs") for one in (60, 59, 58)]
    assert [layer.resolution for layer in stack.layers] == ["exact", "relative", "relative"]


_NEW_API = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *words):
    result = libc.syscall(number, *words)
    if result < 0:
        sys.exit(f"syscall {number}: {os.strerror(ctypes.get_errno())}")
    return result
FSOPEN, FSCONFIG, FSMOUNT, MOVE_MOUNT = 430, 431, 432, 429
context = call(FSOPEN, b"overlay", 0)
for option in sys.argv[2:]:
    key, _, value = option.partition("=")
    call(FSCONFIG, context, 1, key.encode(), os.fsencode(value), 0)
call(FSCONFIG, context, 6, None, None, 0)
mount = call(FSMOUNT, context, 0, 0)
call(MOVE_MOUNT, mount, b"", -100, os.fsencode(sys.argv[1]), 4)
"""


def test_one_option_a_layer(tmp_path: Path) -> None:
    names = ("a:b", "a,b", "a\\b", "a b", "a::b")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    (tmp_path / "mount.py").write_text(_NEW_API)
    words = " ".join(f"'lowerdir+={{here}}/{name}'" for name in (*names, "base"))
    script = "{python} mount.py m " + words + " upperdir={here}/u workdir={here}/w\n"
    with mounted(tmp_path, script) as pid:
        line = next(
            line for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
            if " overlay " in line
        )  # fmt: skip
        _stack, found = look_at(pid)
    assert "lowerdir+=" in line
    assert found == [inode(tmp_path / name) for name in ("u", *names, "base")]


def test_a_deleted_lower_layer_and_one_made_anew(tmp_path: Path) -> None:
    """The name of a layer that was renamed away is some other directory's now."""
    script = "mkdir l1 l2; echo x >l1/x; echo y >l2/y\n"
    script += OVERLAY.format("lowerdir={here}/l1:{here}/l2:{here}/base")
    with mounted(tmp_path, script) as pid:
        (tmp_path / "l1").rename(tmp_path / "gone")
        (tmp_path / "l2").rename(tmp_path / "moved")
        (tmp_path / "l2").mkdir()
        (tmp_path / "l2/y").write_text("another")
        stack, _found = look_at(pid)
    assert [layer.directory for layer in stack.layers] == [
        f"{tmp_path}/u", None, None, f"{tmp_path}/base",
    ]  # fmt: skip
    assert [layer.resolution for layer in stack.layers[1:3]] == ["unresolvable"] * 2
    assert "l1" in stack.notes[0]
    assert "l2" in stack.notes[0]


def test_an_upper_layer_made_anew(tmp_path: Path) -> None:
    with mounted(tmp_path, OVERLAY.format("lowerdir={here}/base")) as pid:
        (tmp_path / "u").rename(tmp_path / "moved")
        (tmp_path / "u").mkdir()
        stack, _found = look_at(pid)
    assert [layer.directory for layer in stack.layers] == [None, f"{tmp_path}/base"]


def test_layers_hidden_by_others_are_no_contradiction(tmp_path: Path) -> None:
    """Whiteouts, opaque directories, files over files and renames hide what lower layers have."""
    script = "mkdir -p l1/d l1/e; echo x >l1/x; echo y >l1/d/y; echo z >l1/e/z; mkdir l1/f\n"
    script += OVERLAY.format("lowerdir={here}/l1:{here}/base,redirect_dir=on")
    script += "cd m; rm x; rm -r d; mkdir d; echo n >d/n; mv e e2; rmdir f; echo f >f\n"
    script += "echo more >>etc/base; mv old older\n"
    with mounted(tmp_path, script) as pid:
        _stack, found = look_at(pid)
    assert found == [inode(tmp_path / name) for name in ("u", "l1", "base")]


@pytest.mark.parametrize(
    "hide",
    ["rm -r d; mkdir d", "rm -r d", "rm -r d; echo >d", "rm d/y", "echo more >>d/y", "mv d e"],
)
def test_a_layer_of_which_nothing_is_seen_is_not_doubted(tmp_path: Path, hide: str) -> None:
    script = "mkdir -p l1/d; echo y >l1/d/y; mkdir base/d\n"
    script += OVERLAY.format("lowerdir={here}/l1:{here}/base,redirect_dir=on")
    with mounted(tmp_path, script + f"cd m; {hide}\n") as pid:
        _, found = look_at(pid)
    assert found == [inode(tmp_path / name) for name in ("u", "l1", "base")]


def test_a_single_lower_layer_made_anew(tmp_path: Path) -> None:
    script = "mkdir l1; echo x >l1/x\n" + OVERLAY.format("lowerdir={here}/l1:{here}/base")
    with mounted(tmp_path, script) as pid:
        for content in ("x", "new"):
            (tmp_path / "l1").rename(tmp_path / f"was-before-{content}")
            (tmp_path / "l1").mkdir()
            (tmp_path / "l1" / content).write_text(content)
            stack, _ = look_at(pid)
            assert [layer.directory for layer in stack.layers] == [
                f"{tmp_path}/u", None, f"{tmp_path}/base",
            ]  # fmt: skip


def test_what_is_mounted_over_a_layer_is_no_witness(tmp_path: Path) -> None:
    script = "mkdir -p l1/d; echo x >l1/x; echo y >l1/d/y; echo z >z\n"
    script += OVERLAY.format("lowerdir={here}/l1:{here}/base")
    script += "mount --bind z m/x; mount -t tmpfs t m/d; echo q >m/d/y\n"
    with mounted(tmp_path, script) as pid:
        _, found = look_at(pid)
    assert found == [inode(tmp_path / name) for name in ("u", "l1", "base")]


@pytest.mark.parametrize("xino", ["off", "on"])
def test_layers_on_several_file_systems(tmp_path: Path, xino: str) -> None:
    script = "mkdir t; mount -t tmpfs t t; mkdir t/l1; echo x >t/l1/x\n"
    script += OVERLAY.format("lowerdir={here}/t/l1:{here}/base,xino=" + xino)
    with mounted(tmp_path, script) as pid:
        _stack, found = look_at(pid)
        assert found == [
            inode(tmp_path / "u"),
            inode(f"/proc/{pid}/../{_outer(pid)}/root{tmp_path}/t/l1"),
            inode(tmp_path / "base"),
        ]


def _outer(pid: int) -> int:
    """The parent, which is in the same mount namespace and not in the chroot."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_nested_overlays(tmp_path: Path) -> None:
    """An overlay in an overlay: its paths mean something in the outer container alone."""
    script = "mkdir -p base/in/l base/in/m base/tmp; cp -a base/bin base/in/l/\n"
    # An upper layer cannot be on an overlay: the inner one is read-only.
    script += OVERLAY.format("lowerdir={here}/base")
    script += "mkdir m/in/l2; echo x >m/in/l2/x\n"
    inner = "busybox mount -t overlay o -o lowerdir=/in/l:/in/l2 /in/m\n"
    inner += "busybox unshare --pid --mount --fork busybox chroot /in/m /bin/busybox sleep 100000\n"
    (tmp_path / "inner").write_text(inner)
    script += "mkdir m/dev; cp inner m/; echo; exec chroot m /bin/sh /inner\n"
    with mounted(tmp_path, script) as pid:
        outer = _outer(pid)
        _, found = look_at(pid)
        assert found == [inode(f"/proc/{outer}/root/in/{one}") for one in ("l", "l2")]


def test_a_chroot_is_a_plain_directory(tmp_path: Path) -> None:
    with mounted(tmp_path, "", root="base") as pid:
        stack, found = look_at(pid)
    assert found == [inode(tmp_path / "base")]
    assert stack.rules.form == "plain"


def test_a_tmpfs_root_is_reached_through_its_process(tmp_path: Path) -> None:
    with mounted(tmp_path, "mount -t tmpfs t m; cp -a base/. m/\n") as pid:
        stack, found = look_at(pid)
        assert stack.fstype == "tmpfs"
        assert found == [inode(f"/proc/{pid}/root")]


def test_the_host(tmp_path: Path) -> None:
    host = Host()
    snapshot = host.snapshot()
    container = next(one for one in snapshot.containers if one.kind == "host")
    stack = read_stack(host, snapshot, container)
    assert stack.layers
    if stack.fstype != "overlay":
        assert inodes(stack.layers) == [inode("/")]
