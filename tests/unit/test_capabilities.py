"""Capabilities by name."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.capabilities import (
    ENGINE_DEFAULT,
    NAMES,
    capability_names,
    has_capability,
    read_capability_count,
)
from nsview.kernel.procfs import Procfs

#: CapEff of a container that docker starts without any option.
DOCKER = 0xA80425FB


def test_what_docker_gives() -> None:
    assert set(capability_names(DOCKER)) == ENGINE_DEFAULT
    assert len(ENGINE_DEFAULT) == 14


def test_the_last_ones() -> None:
    assert capability_names(1 << 40) == ("checkpoint_restore",)
    assert capability_names(1 << 41 | 1) == ("chown", "cap_41")
    assert capability_names(0) == ()


@given(st.integers(0, 2**64 - 1))
def test_every_bit_has_one_name(mask: int) -> None:
    names = capability_names(mask)
    assert len(set(names)) == mask.bit_count()
    assert all(has_capability(mask, name) == (name in names) for name in NAMES)


def test_the_names_are_the_kernel_s() -> None:
    header = Path("/usr/include/linux/capability.h")
    if not header.exists():
        pytest.skip("no kernel headers")
    defined = re.findall(r"^#define CAP_([A-Z_]+)\s+(\d+)$", header.read_text(), re.MULTILINE)
    assert {name.lower(): int(bit) for name, bit in defined} == {
        name: bit for bit, name in enumerate(NAMES[: len(defined)])
    }


@pytest.mark.skipif(not shutil.which("capsh"), reason="capsh is another program's opinion")
def test_capsh_agrees() -> None:
    mask = (1 << len(NAMES)) - 1
    command = ["capsh", f"--decode={mask:016x}"]
    decoded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = decoded.strip().partition("=")[2].split(",")
    assert words[:38] == [f"cap_{name}" for name in NAMES[:38]]  # libcap may be older than we


@pytest.mark.parametrize(("text", "count"), [(b"40\n", 41), (b"37\n", 38), (None, len(NAMES))])
def test_how_many_there_are(tmp_path: Path, text: bytes | None, count: int) -> None:
    directory = tmp_path / "sys" / "kernel"
    directory.mkdir(parents=True)
    if text is not None:
        (directory / "cap_last_cap").write_bytes(text)
    assert read_capability_count(Procfs(str(tmp_path))) == count


def test_how_many_this_kernel_has() -> None:
    assert read_capability_count(Procfs()) >= 38
