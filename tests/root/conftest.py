"""Roots for sandboxes, and a place to mount in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.overlays import PrivateMounts
from support.requirements import need_programs
from support.run import Run
from support.sandboxes import make_root, nothing_left, sandboxes


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory for sandboxes, none of which is left at the end."""
    need_programs("busybox")
    known = sandboxes()
    with Run() as run:
        yield run.directory
        nothing_left(known, run.directory / "root")


@pytest.fixture(scope="module")
def root(place: Path) -> Path:
    """A small root file system."""
    return make_root(place / "root")


@pytest.fixture(scope="module")
def private() -> Iterator[PrivateMounts]:
    """A thread with mounts of its own."""
    with PrivateMounts() as mounts:
        yield mounts
