"""listmount and statmount against the mountinfo of a process in the same namespace."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from unshared import Unshared

from nsview.kernel.mountinfo import Mount, parse_mountinfo
from nsview.kernel.nsfs import get_id
from nsview.kernel.overlayfs import parse_overlay_options
from nsview.kernel.statmount import list_mounts, read_mounts, stat_mount

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts")

#: One of each kind of trouble, in a directory that is $1.
SETUP = r"""
set -e
cd "$1"
mkdir -p "a b" "t
x" 'q\u' lower:1 lower,2 upper work merged ro
mount -t tmpfs -o size=1m,mode=700 'my src#x' "a b"
mount -t tmpfs -o noexec,nosuid,nodev,noatime none "t
x"
mount --bind / 'q\u'
mount --make-shared "a b"
mount -t tmpfs none ro
mount --make-unbindable ro
mount -o remount,bind,ro,nodiratime ro
mount -t overlay -o 'lowerdir=lower\:1:lower\,2,upperdir=upper,workdir=work' overlay merged
shift
exec "$@"
"""


@pytest.fixture
def pid(tmp_path: Path) -> Iterator[int]:
    """A process in a mount namespace full of odd mounts."""
    with Unshared("unshare", "--mount", "sh", "-c", SETUP, "sh", str(tmp_path)) as pid:
        yield pid


def mount_ns_id(pid: int) -> int:
    fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    try:
        number = get_id(fd)
    finally:
        os.close(fd)
    if number is None:
        pytest.skip("this kernel has no ids of mount namespaces")
    return number


def table(pid: int, like: tuple[Mount, ...] = ()) -> list[Mount]:
    """What mountinfo shows; before Linux 6.13 without what statmount does not say."""
    mounts = parse_mountinfo(Path(f"/proc/{pid}/mountinfo").read_bytes())
    if like and not any(mount.source for mount in like):
        mounts = tuple(one._replace(source="", subtype=None) for one in mounts)
    return sorted(mounts, key=lambda mount: mount.id)


def test_equals_mountinfo(pid: int, tmp_path: Path) -> None:
    mounts = read_mounts(mount_ns_id(pid))
    if mounts is None:
        pytest.skip("no statmount")
    shown = sorted(mounts, key=lambda mount: mount.id)
    assert [mount._replace(unique_id=None) for mount in shown] == table(pid, mounts)
    targets = {mount.target for mount in mounts}
    assert {f"{tmp_path}/a b", f"{tmp_path}/t\nx", f"{tmp_path}/q\\u"} <= targets


def test_a_namespace_without_processes(tmp_path: Path) -> None:
    """It lives by a descriptor alone."""
    with Unshared("unshare", "--mount") as pid:
        number = mount_ns_id(pid)
        expected = table(pid)
        fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    try:
        mounts = read_mounts(number)
        if mounts is None:
            pytest.skip("no statmount")
        assert sorted(mount.target for mount in mounts) == sorted(m.target for m in expected)
    finally:
        os.close(fd)


def test_gone() -> None:
    with Unshared("unshare", "--mount") as pid:
        number = mount_ns_id(pid)
        if read_mounts(number) is None:
            pytest.skip("no statmount")
        mount = list_mounts(number)[0]
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is looked at below
        list_mounts(number)
    assert caught.value.errno == errno.ENOENT
    assert stat_mount(mount, number) is None


def test_more_mounts_than_one_call_lists(tmp_path: Path) -> None:
    mount_ns_id(os.getpid())  # may skip
    script = 'cd "$1"; shift; for i in $(seq 600); do mount -t tmpfs none .; done; exec "$@"'
    with Unshared("unshare", "--mount", "sh", "-c", script, "sh", str(tmp_path)) as pid:
        number = mount_ns_id(pid)
        mounts = read_mounts(number)
        if mounts is None:
            pytest.skip("no statmount")
        assert len(mounts) == len(table(pid)) > 600
        assert len({mount.unique_id for mount in mounts}) == len(mounts)


#: MOUNTPOINT LAYER... -- COMMAND...: mount an overlay, one option a layer.
NEW_API = """
import os, sys
from nsview.kernel.syscalls import syscall
FSOPEN, FSCONFIG, FSMOUNT, MOVE_MOUNT = 430, 431, 432, 429
SET_STRING, CREATE, EMPTY_PATH, AT_FDCWD = 1, 6, 4, -100
fs = syscall(FSOPEN, b"overlay\\0", 0)
for layer in sys.argv[2:sys.argv.index("--")]:
    syscall(FSCONFIG, fs, SET_STRING, b"lowerdir+\\0", layer.encode() + b"\\0", 0)
syscall(FSCONFIG, fs, CREATE, None, None, 0)
mount = syscall(FSMOUNT, fs, 0, 0)
syscall(MOVE_MOUNT, mount, b"\\0", AT_FDCWD, sys.argv[1].encode() + b"\\0", EMPTY_PATH)
command = sys.argv[sys.argv.index("--") + 1:]
os.execvp(command[0], command)
"""


def test_options_longer_than_the_first_buffer(tmp_path: Path) -> None:
    mount_ns_id(os.getpid())  # may skip
    layers = [tmp_path / f"{number:0>150}" for number in range(60)]
    for directory in [*layers, tmp_path / "m"]:
        directory.mkdir()
    command = ["unshare", "--mount", sys.executable, "-c", NEW_API, str(tmp_path / "m")]
    with Unshared(*command, *map(str, layers), "--") as pid:
        mounts = read_mounts(mount_ns_id(pid))
        if mounts is None:
            pytest.skip("no statmount")
        (mount,) = (one for one in mounts if one.target == str(tmp_path / "m"))
        assert sum(map(len, mount.super_options)) > 8 * 1024
        assert mount._replace(unique_id=None) in table(pid, mounts)
        assert parse_overlay_options(mount.super_options).lower == tuple(map(str, layers))
