"""io.stat, v1's blkio, diskstats, and which devices are stacked."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.block_devices import device_name, devices_below, is_partition
from nsview.kernel.cgroup_files import read_file
from nsview.kernel.cgroup_io import IoCounters, blkio_counts, parse_blkio, parse_io_stat, read_io
from nsview.kernel.cgroupfs import Place
from nsview.kernel.diskstats import parse_diskstats

IO_STAT = b"""\
8:0 rbytes=90112 wbytes=4096 rios=3 wios=1 dbytes=0 dios=0
253:0 rbytes=1 wbytes=2 rios=0 wios=0 dbytes=0 dios=0
8:16
"""
BLKIO = b"""\
8:0 Read 90112
8:0 Write 4096
8:0 Sync 90112
8:0 Total 94208
253:0 Read 1
253:0 Write 2
Total 94211
"""
EXPECTED = {"8:0": IoCounters(90112, 4096), "253:0": IoCounters(1, 2)}
DISKSTATS = b"""\
 254       0 vda 130384 28943 4533674 71317 122556 279700 9161256 83215 0 35308 163415 63047 38 2
   7       0 loop0 11 0 28 0 5 5 5 5 0 4 0
   1       0 ram0 0 0 0 0 0 0 0 0 0 0 0
 254       1 vda1 1 1 2 1 1 1 3 1 0 1 1
torn 3
"""
FILE = "blkio.throttle.io_service_bytes_recursive"

DEVICES = st.builds(lambda a, b: f"{a}:{b}", st.integers(0, 999), st.integers(0, 99))
COUNTERS = st.builds(IoCounters, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


def test_both_versions_say_the_same() -> None:
    assert parse_io_stat(IO_STAT) == EXPECTED
    assert parse_blkio(BLKIO) == EXPECTED


@given(st.dictionaries(DEVICES, COUNTERS))
def test_what_is_written_is_read(devices: dict[str, IoCounters]) -> None:
    v2 = "".join(f"{d} rbytes={one.read} wbytes={one.written}\n" for d, one in devices.items())
    v1 = "".join(f"{d} Read {one.read}\n{d} Write {one.written}\n" for d, one in devices.items())

    assert parse_io_stat(v2.encode()) == devices
    assert parse_blkio(v1.encode()) == devices


@given(st.binary())
def test_anything_is_no_error(data: bytes) -> None:
    for parse in (parse_io_stat, parse_blkio, parse_diskstats):
        assert all(one.read >= 0 <= one.written for one in parse(data).values())


def test_sectors_of_diskstats_are_bytes_and_loops_are_no_disks() -> None:
    assert parse_diskstats(DISKSTATS) == {
        "254:0": IoCounters(4533674 * 512, 9161256 * 512),
        "254:1": IoCounters(2 * 512, 3 * 512),
    }


def test_reading(tmp_path: Path) -> None:
    v2, v1 = (Place(version, str(tmp_path), str(tmp_path)) for version in (2, 1))
    assert read_io(read_file, v2) is None
    assert read_io(read_file, v1) is None
    (tmp_path / "io.stat").write_bytes(b"")
    (tmp_path / FILE).write_bytes(BLKIO)

    assert read_io(read_file, v2) == {}
    assert read_io(read_file, v1) == EXPECTED
    assert blkio_counts(read_file, v1)


def test_controller_that_counts_nothing(tmp_path: Path) -> None:
    place = Place(1, str(tmp_path / "docker"), str(tmp_path))
    assert blkio_counts(read_file, place)  # no such file at all: nothing can be said against it
    (tmp_path / FILE).write_bytes(b"Total 0\n")

    assert not blkio_counts(read_file, place)


def test_devices(tmp_path: Path) -> None:
    disk, mapped = tmp_path / "devices/sda", tmp_path / "devices/dm-0"
    (disk / "sda1").mkdir(parents=True)
    (disk / "sda1/partition").write_text("1\n")
    (disk / "dev").write_text("8:0\n")
    (mapped / "slaves").mkdir(parents=True)
    (mapped / "slaves/sda").symlink_to(disk)
    for number, target in (("8:0", disk), ("8:1", disk / "sda1"), ("253:0", mapped)):
        (tmp_path / number).symlink_to(target)
    root = str(tmp_path)

    assert [device_name(one, root) for one in ("253:0", "8:1", "9:9")] == ["dm-0", "sda1", "9:9"]
    assert [is_partition(one, root) for one in ("8:0", "8:1", "9:9")] == [False, True, False]
    assert devices_below("253:0", root) == {"8:0"}
    assert devices_below("8:0", root) == devices_below("9:9", root) == frozenset()
