"""What a process's ``/`` is made of, told from its mount table."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nsview.host.model import Rootfs
from nsview.host.roots import Root, read_root, root_of
from nsview.kernel.mountinfo import parse_mountinfo, parse_mounts_on_root
from nsview.kernel.procfs import Procfs

HOST = b"""\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
23 22 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
24 22 0:22 / /sys rw,nosuid,nodev,noexec,relatime shared:2 - sysfs sysfs rw
"""
#: docker on Debian 12: two image layers, ``-init``, and the upper.
DOCKER = (
    b"611 539 0:52 / / rw,relatime master:284 - overlay overlay rw,"
    b"lowerdir=/var/lib/docker/overlay2/l/AAAA:/var/lib/docker/overlay2/l/BBBB"
    b":/var/lib/docker/overlay2/l/CCCC,upperdir=/var/lib/docker/overlay2/ab/diff,"
    b"workdir=/var/lib/docker/overlay2/ab/work\n"
    b"612 611 0:55 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw\n"
)
READ_ONLY = b"9 1 0:52 / / ro - overlay overlay ro,lowerdir=/a:/b::/data\n"
#: systemd-nspawn -D: a directory of the host's own disk.
DIRECTORY = b"90 40 254:1 /srv/tree / rw,relatime shared:9 - ext4 /dev/vda1 rw\n"
#: A chroot into a plain directory: only what is mounted below is listed.
CHROOT = b"95 23 0:21 / /proc rw,relatime - proc proc rw\n"


def root(table: bytes) -> Root:
    assert root_of(parse_mounts_on_root(table)) == root_of(parse_mountinfo(table))
    return root_of(parse_mountinfo(table))


def test_the_host() -> None:
    assert root(HOST) == Root(("254:1", "/"), Rootfs("ext4", 1))


def test_an_overlay_counts_its_layers() -> None:
    assert root(DOCKER).rootfs == Rootfs("overlay", 4)
    assert root(READ_ONLY).rootfs == Rootfs("overlay", 3)


def test_a_directory_of_the_host_s_disk_is_another_place() -> None:
    assert root(DIRECTORY).place == ("254:1", "/srv/tree")
    assert root(DIRECTORY).place != root(HOST).place


@pytest.mark.parametrize("later_first", [False, True])  # Linux 6.8 sorts by another id
def test_what_covers_the_root_is_not_the_root(later_first: bool) -> None:
    """A later mount on ``/`` is for who comes anew; chroot(2) and pivot_root(2) follow nothing."""
    cover = b"640 22 0:60 / / rw - tmpfs none rw\n"
    assert root(cover + HOST if later_first else HOST + cover) == root(HOST)


def test_a_root_that_is_its_own_parent() -> None:
    assert root(b"1 1 0:2 / / rw - rootfs rootfs rw\n") == Root(("0:2", "/"), Rootfs("rootfs", 1))


@pytest.mark.parametrize("table", [b"", CHROOT])
def test_a_root_that_is_no_mount_point(table: bytes) -> None:
    assert root(table) == Root(None, None)


def test_a_process(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/mountinfo").write_bytes(DOCKER)
    procfs = Procfs(str(tmp_path))
    assert read_root(procfs, 7) == root(DOCKER)
    assert read_root(procfs, 8) is None


def test_what_may_not_be_read_is_not_known() -> None:
    class Denied(Procfs):
        def read_file(self, path: str, *, limit: int = 0) -> bytes | None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    assert read_root(Denied(), 1) is None


def test_ourselves() -> None:
    found = read_root(Procfs(), os.getpid())
    assert found is not None
    if found.place is not None:
        device = os.stat("/").st_dev
        same = found.place[0] == f"{os.major(device)}:{os.minor(device)}"
        assert same or (found.rootfs is not None and found.rootfs.type in ("btrfs", "overlay"))
