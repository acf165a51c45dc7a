"""Sandboxes of a user without any right: a user namespace is all that it takes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import wait_until
from support.requirements import need_programs, need_root
from support.run import Run
from support.sandboxes import fingerprint
from support.user import NOBODY, User, nobody

_USER = NOBODY


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    need_root()
    need_programs("busybox", "setpriv")
    with Run() as run:
        one = nobody(run)
        if one.inside("exit 3").returncode != 3:
            pytest.skip("no user namespaces for users")
        yield one
        assert one.left == []


def test_root_inside_is_that_user_outside(user: User) -> None:
    before = fingerprint(user.root)
    done = user.inside("id -u; cat /proc/self/uid_map; echo $$; echo /proc/[0-9]*")
    assert done.stdout.split() == ["0", "0", str(_USER), "1", "2", "/proc/1", "/proc/2"]
    assert fingerprint(user.root) == before
    assert user.left == []


def test_what_it_is_not_allowed_is_said(user: User) -> None:
    done = user.inside("true", "--memory", "64m")
    assert "no limits" in done.stderr
    assert "no user in it but root" in done.stderr
    strict = user.inside("true", "--strict")
    assert (strict.returncode, strict.stderr.count("\n")) == (125, 1)
    assert user.left == []


@pytest.mark.parametrize(
    "words",
    [
        ("--host-root",),
        ("--rootfs", "ROOT", "--net", "host"),
        ("--rootfs", "ROOT", "--net", "veth"),
    ],
)
def test_what_takes_root_is_refused(user: User, words: tuple[str, ...]) -> None:
    options = [str(user.root) if one == "ROOT" else one for one in words]
    done = user.nsview("run", *options, "--", "true")
    assert done.returncode == 4
    assert done.stderr.startswith("nsview: error: ")
    assert "takes root" in done.stderr
    assert user.left == []


def test_writes_deletions_devices_and_binds(user: User) -> None:
    upper = user.home / "upper"
    upper.mkdir(exist_ok=True)
    os.chown(upper, _USER, _USER)
    script = """
        rm /file; echo x >/made; echo y >/dev/null; head -c 3 /dev/zero | wc -c
        cat /bound/file; touch /bound/x; hostname; chmod 600 /dev/null; cat /proc/uptime
    """
    done = user.inside(
        script, "--upper", str(upper), "--bind", f"{user.root}:/bound:ro", "--hostname", "box",
        "--time-offset", "10000000",
    )  # fmt: skip
    *lines, uptime = done.stdout.splitlines()
    assert lines == ["3", "lower", "box"]
    assert float(uptime.split()[0]) > 10_000_000
    assert "Read-only file system" in done.stderr
    assert (upper / "made").stat().st_uid == _USER
    assert (upper / "file").is_char_device()
    assert os.stat("/dev/null").st_mode & 0o777 == 0o666


def test_one_in_the_background(user: User) -> None:
    started = user.nsview("run", "-d", "--userns", "--rootfs", str(user.root), "--name", "mine",
                          "--json", "--", "sleep", "1000")  # fmt: skip
    try:
        ref = f"nsview@{_USER}/mine"
        containers = json.loads(user.nsview("ls", "--json").stdout)["containers"]
        found = {one["ref"]: one for one in containers}
        assert found[ref]["pid"] == json.loads(started.stdout)["pid"]
        assert user.nsview("stop", "-t", "5", "mine").returncode == 0
        listed = json.loads(user.nsview("ls", "--all", "--json").stdout)["containers"]
        assert next(one for one in listed if one["ref"] == ref)["status"] == "stopped"
    finally:
        user.nsview("rm", "-f", "mine")
    assert user.left == []


def test_gc_finds_what_a_killed_one_left(user: User) -> None:
    started = user.nsview("run", "-d", "--userns", "--rootfs", str(user.root), "--json", "--",
                          "sleep", "1000")  # fmt: skip
    pid = json.loads(started.stdout)["pid"]
    status = Path(f"/proc/{pid}/status").read_text()
    launcher = int(status.split("PPid:")[1].split()[0])
    os.kill(launcher, 9)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
    assert user.nsview("gc").returncode == 0
    assert user.left == []
