from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.enter.program import find_program, find_shell, is_static, parse_interpreter


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "bin").mkdir()
    fd = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def put(directory: Path, name: str, data: bytes, mode: int = 0o755) -> None:
    (directory / name).write_bytes(data)
    (directory / name).chmod(mode)


def test_the_interpreter_of_our_own_python() -> None:
    head = Path("/proc/self/exe").read_bytes()[:4096]
    interpreter = parse_interpreter(head)
    assert interpreter is None or os.path.exists(interpreter)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    parse_interpreter(data)
    parse_interpreter(b"\x7fELF\x02" + data.ljust(200, b"\xff"))


def test_the_first_that_runs_counts(root: int, tmp_path: Path) -> None:
    (tmp_path / "sbin").mkdir()
    put(tmp_path, "bin/x", b"text", 0o644)
    put(tmp_path, "sbin/x", b"text")
    found = find_program(root, "x", b"relative:/bin:/sbin")
    assert found is not None
    assert (found.path, found.problem) == ("/sbin/x", None)
    found = find_program(root, "x", b"/bin")
    assert found is not None
    assert found.problem == "it is not executable"
    assert find_program(root, "y", b"/bin:/sbin") is None


def test_links_stay_inside(root: int, tmp_path: Path) -> None:
    (tmp_path / "bin/sh").symlink_to("/bin/true-nowhere")
    assert find_program(root, "sh", b"/bin") is None
    (tmp_path / "bin/magic").symlink_to("/proc/self/exe")
    assert find_program(root, "magic", b"/bin") is None
    assert find_program(root, "bad\0name", b"/bin") is None


def test_a_shell_that_refuses_is_none(root: int, tmp_path: Path) -> None:
    put(tmp_path, "bin/nologin", b"text")
    assert find_shell(root, "/bin/nologin") is None
    put(tmp_path, "bin/ash", b"text")
    found = find_shell(root, "/bin/nologin")
    assert found is not None
    assert found.path == "/bin/ash"
    put(tmp_path, "bin/fish", b"text")
    found = find_shell(root, "/bin/fish")
    assert found is not None
    assert found.path == "/bin/fish"


def test_a_missing_interpreter_is_named(root: int, tmp_path: Path) -> None:
    put(tmp_path, "bin/script", b"#! /nowhere/perl -w\n")
    found = find_program(root, "script", b"/bin")
    assert found is not None
    assert found.problem == "it needs /nowhere/perl, which is missing"


def test_static(tmp_path: Path) -> None:
    put(tmp_path, "text", b"text")
    assert not is_static(str(tmp_path / "text"))
    assert not is_static(str(tmp_path / "nothing"))
