"""/proc/PID/cmdline: exact, but bounded."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.cmdline import parse_command, read_command
from nsview.kernel.procfs import Procfs


@pytest.mark.parametrize(
    ("data", "command"),
    [
        (b"sleep\x00100\x00", ("sleep", "100")),
        (b"sh\0-c\0\0x\0", ("sh", "-c", "", "x")),
        (b"nginx: master process /usr/sbin/nginx", ("nginx: master process /usr/sbin/nginx",)),
        (b"postgres: writer\0\0\0\0\0\0", ("postgres: writer",)),
        (b"\xff\n\x1b[31m\0", ("\udcff\n\x1b[31m",)),
        (b"", ()),
        (b"\0\0\0", ()),
    ],
)
def test_arguments(data: bytes, command: tuple[str, ...]) -> None:
    assert parse_command(data) == command


@given(st.binary())
def test_every_byte_is_kept(data: bytes) -> None:
    assert b"\0".join(map(os.fsencode, parse_command(data))) == data.rstrip(b"\0")


def test_megabytes_are_cut() -> None:
    command = parse_command(b"cat\0" + b"x" * 3_000_000)
    assert command[0] == "cat"
    assert len(command[1]) < 65_536
    assert command[2:] == ("…",)


def test_only_so_much_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    total, read = 0, os.read

    def count(descriptor: int, length: int) -> bytes:
        nonlocal total
        data = read(descriptor, length)
        total += len(data)
        return data

    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cmdline").write_bytes(b"x" * 1_000_000)
    with monkeypatch.context() as patch:
        patch.setattr(os, "read", count)
        read_command(Procfs(str(tmp_path)), 7)
    assert 65_536 <= total < 70_000


def test_a_process() -> None:
    words = ["sh", "-c", "echo; read x", "", "a b", "x" * 100_000]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()  # Popen returns before execve(2) has set the arguments
        command = read_command(Procfs(), child.pid)
    assert command is not None
    assert command[:5] == tuple(words[:5])
    assert set(command[5]) == {"x"}
    assert command[6:] == ("…",)
    assert read_command(Procfs(), child.pid) is None


def test_a_kernel_thread_has_none() -> None:
    if Path("/proc/2/comm").read_text() != "kthreadd\n":
        pytest.skip("the kernel's threads are not to be seen from here")
    assert read_command(Procfs(), 2) == ()
