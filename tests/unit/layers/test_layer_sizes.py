"""Counting files and bytes of a directory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nsview.layers.plain import stack_of_directories
from nsview.layers.sizes import Cancelled, LayerSize, measure_layer


def measure(path: Path, cancelled: Callable[[], bool] = bool) -> LayerSize:
    (layer,) = stack_of_directories([str(path)]).layers
    return measure_layer(layer, cancelled)


def test_everything_is_counted_once(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    (layer / "a/b").mkdir(parents=True)
    (layer / "a/ten").write_bytes(b"0123456789")
    os.link(layer / "a/ten", layer / "a/b/same")
    (layer / "link").symlink_to("/etc/passwd")
    (layer / "out").symlink_to("/etc")
    os.mkfifo(layer / "fifo")
    with open(layer / "sparse", "wb") as file:
        file.truncate(1 << 40)
    assert measure(layer) == LayerSize(6, 10 + (1 << 40))


def test_the_bytes_are_those_of_du(tmp_path: Path) -> None:
    for number in range(50):
        folder = tmp_path / str(number % 7)
        folder.mkdir(exist_ok=True)
        (folder / f"f{number}").write_bytes(b"x" * number * 37)
    found = measure(tmp_path)
    # Of directories it has the bytes in some versions, and none in others.
    files = [str(path) for path in tmp_path.glob("*/*")]
    *_, total = subprocess.check_output(["du", "-cb", *files]).splitlines()
    assert found == LayerSize(50, int(total.split()[0]))


def test_a_tree_deeper_than_any_path(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    names = "d" * 200
    try:
        for _ in range(1500):
            os.mkdir(names, dir_fd=fd)
            below = os.open(names, os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        os.close(os.open("deepest", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    finally:
        os.close(fd)
    try:
        assert measure(tmp_path) == LayerSize(1, 0)
    finally:
        subprocess.run(["rm", "-rf", f"{tmp_path}/{names}"], check=True)  # deeper than rmtree goes


def test_a_walk_can_be_cancelled(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        measure(tmp_path, lambda: True)
