"""What a sandbox's list of system calls lets it do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import Done, nsview
from support.requirements import need_programs, need_root
from support.sandboxes import make_root, nothing_left, sandboxes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    need_root()
    need_programs("busybox")
    known = sandboxes()
    directory = make_root(tmp_path_factory.mktemp("seccomp") / "root")
    (directory / "bin/unshare").symlink_to("busybox")
    yield directory
    nothing_left(known, directory)


def run(root: Path, *flags: str, command: str) -> Done:
    return nsview("run", "--rm", "--rootfs", str(root), *flags, "--", "sh", "-c", command)


_USER_NAMESPACE = "unshare -U true 2>/dev/null && echo made || echo refused"


def test_dockers_list_is_the_default(root: Path) -> None:
    done = run(root, command=f"grep Seccomp: /proc/self/status; {_USER_NAMESPACE}")
    assert done.out.split() == [b"Seccomp:", b"2", b"refused"]


def test_no_list(root: Path) -> None:
    done = run(
        root, "--seccomp", "none", command=f"grep Seccomp: /proc/self/status; {_USER_NAMESPACE}"
    )
    assert done.out.split()[:2] == [b"Seccomp:", b"0"]


def test_capabilities_open_it(root: Path) -> None:
    command = "hostname other && hostname"
    assert run(root, "--cap-add", "sys_admin", command=command).out == b"other\n"
    assert run(root, command=command).status != 0


@pytest.mark.parametrize("init", ["--init", "--no-init"])
def test_a_list_of_ones_own(root: Path, tmp_path: Path, init: str) -> None:
    profile = tmp_path / "profile.json"
    refused = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refused]}))
    done = run(
        root, init, "--seccomp", str(profile), command="mkdir /new; echo x >/file; cat /file"
    )
    assert done.out == b"x\n"
    assert "No space left" in done.err


def test_a_list_that_refuses_execve(root: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    refused = {"names": ["execve", "execveat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refused]}))
    done = run(root, "--seccomp", str(profile), command="true")
    assert (done.status, done.err.count("\n")) == (126, 1)


def test_a_list_that_kills(root: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    kills = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [kills]}))
    done = run(root, "--seccomp", str(profile), command="exec mkdir /new")
    assert done.status == 128 + 31  # SIGSYS


@pytest.mark.parametrize("text", ["", "[]", '{"defaultAction": "SCMP_ACT_NOTIFY"}'])
def test_what_is_no_list(root: Path, tmp_path: Path, text: str) -> None:
    known = sandboxes()
    profile = tmp_path / "profile.json"
    profile.write_text(text)
    done = run(root, "--seccomp", str(profile), command="true")
    assert (done.status, done.out, done.err.count("\n")) == (125, b"", 1)
    assert done.err.startswith(f"nsview: error: --seccomp {profile}: ")
    nothing_left(known, root)
