"""Overlays of many layers as kernels before Linux 6.13 take them: by names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.overlays import PrivateMounts

from nsview.kernel.new_mount import READ_ONLY
from nsview.sandbox.mounts import SAFE, mount_at, mount_by_names

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts")


@pytest.fixture
def layers(tmp_path: Path, private: PrivateMounts) -> Iterator[list[int]]:
    made = [tmp_path / str(number) for number in range(300)]
    for one in made:
        one.mkdir()
        (one / f"from-{one.name}").touch()
    # The kernel takes those of the same mount namespace.
    fds = [private.run(os.open, one, os.O_PATH | os.O_CLOEXEC) for one in made]
    yield fds
    for fd in fds:
        os.close(fd)


def inside(mount: int) -> tuple[set[str], int]:
    """The names in a mount's root directory, and its attributes."""
    root = os.open(".", os.O_RDONLY, dir_fd=mount)
    try:
        return set(os.listdir(root)), os.fstatvfs(root).f_flag
    finally:
        os.close(root)
        os.close(mount)


@pytest.mark.parametrize("way", ["names", "page"])
@pytest.mark.parametrize("count", [2, 300])
def test_all_are_there(
    way: str, count: int, layers: list[int], private: PrivateMounts, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()

    def mounted() -> tuple[set[str], int]:
        if way == "names":
            return inside(mount_by_names(layers[:count], [], SAFE | READ_ONLY, bytes(place)))
        os.chdir("/proc/self/fd")  # of this thread alone
        words = b":".join(b"%d" % fd for fd in layers[:count])
        return inside(mount_at(bytes(place), [(b"lowerdir", words)], SAFE | READ_ONLY))

    names, flags = private.run(mounted)
    assert names == {f"from-{number}" for number in range(count)}
    assert flags & os.ST_NOSUID
    assert flags & os.ST_RDONLY
    assert not private.run(os.path.ismount, place)
