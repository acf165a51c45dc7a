"""Descriptors of a process."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.descriptors import open_descriptors

from nsview.kernel.fd import read_fd_links
from nsview.kernel.procfs import Procfs


def test_what_we_have_open(tmp_path: Path) -> None:
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    file = os.open(tmp_path / "a b", os.O_CREAT)
    try:
        links = dict(read_fd_links(Procfs(), os.getpid()) or ())
    finally:
        os.close(namespace)
        os.close(file)
    assert links[namespace] == os.readlink("/proc/self/ns/net")
    assert links[file] == f"{tmp_path}/a b"


def test_our_own_descriptor_is_closed_again() -> None:
    before = open_descriptors()
    read_fd_links(Procfs(), os.getpid())
    assert open_descriptors() == before


def test_nobody_hides_behind_a_path_that_the_kernel_cannot_show(tmp_path: Path) -> None:
    """readlink(2) of a descriptor whose path has more than a page fails: the others count."""
    levels, name = 20, "d" * 250
    step = os.open(tmp_path, os.O_PATH)
    steps = [step]
    try:
        for _ in range(levels):
            os.mkdir(name, dir_fd=step)
            step = os.open(name, os.O_PATH, dir_fd=step)
            steps.append(step)
        namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
        steps.append(namespace)
        links = dict(read_fd_links(Procfs(), os.getpid()) or ())
        assert links[namespace].startswith("net:[")
        assert step not in links
    finally:
        for above in reversed(steps[:levels]):
            os.rmdir(name, dir_fd=above)
        for descriptor in steps:
            os.close(descriptor)


def test_a_process_that_is_gone() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert read_fd_links(Procfs(), process.pid) is None
