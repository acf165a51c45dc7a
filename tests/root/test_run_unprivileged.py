"""Sandboxes of a user without any right: a user namespace is all that it takes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import wait_until
from support.requirements import need_programs, need_root
from support.run import Run
from support.sandboxes import fingerprint, make_root

_USER = 65534
_HERE = Path(__file__).parents[2]
_CODE = "import sys; sys.path.insert(0, {!r}); from nsview.cli.main import main; sys.exit(main())"


class User:
    """Somebody with a home directory of some sort, and a root file system in it."""

    def __init__(self, home: Path, python: str) -> None:
        self.home = home
        self.root = make_root(home / "root")
        self.state = home / "runtime/nsview"
        self.layers = home / "data/nsview"
        for name in ("runtime", "data"):
            (home / name).mkdir(mode=0o700)
        for top, names, files in os.walk(home):
            for name in (".", *names, *files):
                os.chown(os.path.join(top, name), _USER, _USER, follow_symlinks=False)
        self._python = python

    def nsview(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of ours, as this user."""
        code = _CODE.format(str(_HERE))
        places = (f"XDG_RUNTIME_DIR={self.home}/runtime", f"XDG_DATA_HOME={self.home}/data")
        return subprocess.run(
            [
                *("setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups", "--"),
                *("env", "-i", "PATH=/usr/bin:/bin", *places),
                *(self._python, "-B", "-c", code, *words),
            ],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def inside(self, script: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a script in a sandbox that is gone afterwards."""
        base = ("run", "--rm", "--userns", "--rootfs", str(self.root))
        return self.nsview(*base, *options, "--", "sh", "-c", script)

    @property
    def left(self) -> list[str]:
        """What there is of sandboxes."""
        names = [*os.listdir(self.state), *os.listdir(self.layers)]
        return [name for name in names if name != "lock"]


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    need_root()
    need_programs("busybox", "setpriv")
    with Run() as run:
        home = run.directory / "home"
        home.mkdir()
        for python in (sys.executable, shutil.which("python3", path="/usr/bin")):
            one = _user(home, python) if python else None
            if one is not None:
                yield one
                assert one.left == []
                return
    pytest.skip("no Python that a user without rights may run, or no user namespaces")


def _user(home: Path, python: str) -> User | None:
    if sys.version_info[:2] != _version(python):
        return None
    shutil.rmtree(home)
    home.mkdir()
    one = User(home, python)
    return one if one.inside("exit 3").returncode == 3 else None


def _version(python: str) -> tuple[int, ...]:
    words = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", words], capture_output=True, text=True, check=True)
    return tuple(map(int, done.stdout.split()))


def test_root_inside_is_that_user_outside(user: User) -> None:
    before = fingerprint(user.root)
    done = user.inside("id -u; cat /proc/self/uid_map; echo $$; ls /proc | grep -c '^[0-9]'")
    assert done.stdout.split() == ["0", "0", str(_USER), "1", "2", "4"]
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
