"""Somebody without any right who has sandboxes."""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from support import reaper
from support.run import Run
from support.sandboxes import make_root

NOBODY = 65534
_HERE = Path(__file__).parents[2]
_CODE = "import sys; sys.path.insert(0, {!r}); from nsview.cli.main import main; sys.exit(main())"


class User:
    """Somebody with a home directory of some sort, and a root file system in it."""

    def __init__(self, home: Path, uid: int, gid: int, places: Mapping[str, Path]) -> None:
        self.home = home
        self.uid = uid
        self.gid = gid
        self.root = make_root(home / "root")
        self.state = places.get("XDG_RUNTIME_DIR", Path(f"/run/user/{uid}")) / "nsview"
        self.layers = places.get("XDG_DATA_HOME", home / ".local/share") / "nsview"
        self.places = {"HOME": home, **places}
        self.own(home)

    def own(self, top: Path) -> Path:
        """Give a directory, and all that is in it, to this user."""
        for path, names, files in os.walk(top):
            for name in (".", *names, *files):
                os.chown(os.path.join(path, name), self.uid, self.gid, follow_symlinks=False)
        return top

    def run(self, *words: str, launcher: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """A command as this user, which root has `launcher` start."""
        return run_as(self.uid, self.gid, self.places, *words, launcher=launcher)

    def nsview(self, *words: str, launcher: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """A command of ours, as this user."""
        return self.run(*command_for_users(), *words, launcher=launcher)

    def inside(self, script: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a script in a sandbox that is gone afterwards."""
        base = ("run", "--rm", "--rootfs", str(self.root))
        return self.nsview(*base, *options, "--", "sh", "-c", script)

    @property
    def left(self) -> list[str]:
        """What there is of sandboxes."""
        names = [name for place in (self.state, self.layers) if place.is_dir()
                 for name in os.listdir(place)]  # fmt: skip
        return [name for name in names if name != "lock"]


def run_as(
    uid: int, gid: int, places: Mapping[str, Path], *words: str, launcher: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """A command as somebody, with these variables and few others."""
    return subprocess.run(
        [
            *launcher,
            *("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--"),
            *("env", "-i", "PATH=/usr/bin:/bin"),
            *(f"{name}={path}" for name, path in places.items()),
            *words,
        ],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@functools.cache
def command_for_users() -> tuple[str, ...]:
    """nsview by an interpreter like ours that everybody may run; skips where there is none."""
    code = "import sys; print(*sys.version_info[:2])"
    as_nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
    for python in (sys.executable, shutil.which("python3", path="/usr/bin")):
        if python is not None:
            words = [*as_nobody, "env", python, "-c", code]  # setpriv itself reaches further
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.stdout.split() == [str(one) for one in sys.version_info[:2]]:
                return python, "-B", "-c", _CODE.format(str(_HERE))
    pytest.skip("no Python that a user without rights may run")


def nobody(run: Run) -> User:
    """Somebody whom /etc/subuid does not name."""
    home = run.directory / "home"
    for name in ("runtime", "data"):
        (home / name).mkdir(mode=0o700, parents=True)
    places = {"XDG_RUNTIME_DIR": home / "runtime", "XDG_DATA_HOME": home / "data"}
    return User(home, NOBODY, NOBODY, places)


def account(run: Run) -> User:
    """A user with an account and subordinate ids, logged in, only as long as the run."""
    name = run.name.replace(reaper.PREFIX, "nsview")
    home = run.directory / "home"
    run.output("useradd", "--create-home", "--home-dir", str(home), name)
    entry = pwd.getpwnam(name)
    (run.directory / "user").write_text(name)  # these two are for the reaper
    (run.directory / "uid").write_text(str(entry.pw_uid))
    runtime = Path(f"/run/user/{entry.pw_uid}")
    runtime.mkdir(mode=0o700, parents=True)
    os.chown(runtime, entry.pw_uid, entry.pw_gid)
    home.chmod(0o755)
    return User(home, entry.pw_uid, entry.pw_gid, {})
