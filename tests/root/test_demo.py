"""`nsview demo`: three sandboxes that are what they say, and end with their maker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import nsview
from support.processes import PATIENCE, wait_until
from support.sandboxes import leftovers, sandboxes

_HOLD = """
import sys
from nsview.sandbox.demo import demo
with demo(sys.argv[1]) as started:
    print(*(one.id for one in started), flush=True)
    sys.stdin.read()
"""
_CHECKOUT = str(Path(__file__).parents[2])


@pytest.fixture
def held() -> Iterator[tuple[subprocess.Popen[str], list[str], str]]:
    """The process that holds them, their ids, and what their names begin with."""
    prefix = f"demo{os.getpid()}"
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, prefix],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_CHECKOUT,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split(), prefix
    finally:
        process.kill()
        process.communicate()


def test_they_are_what_they_say(held: tuple[subprocess.Popen[str], list[str], str]) -> None:
    _, ids, prefix = held
    assert len(ids) == 3

    def changes() -> set[tuple[str, str]]:
        found = nsview("diff", f"{prefix}-changes", "--json").json["changes"]
        return {(one["kind"], one["path"]) for one in found}

    wait_until(lambda: ("A", "/srv/notes/log") in changes())
    assert ("C", "/etc/profile") in changes()
    assert Path("/etc/profile").read_text().find("changed in a sandbox") < 0

    def served() -> bool:
        script = "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /\\r\\n\\r\\n' >&3; cat <&3"
        done = nsview("enter", f"{prefix}-web", "--", "bash", "-c", script)
        return b"hello from a sandbox" in done.out

    wait_until(served)
    if _no_user_namespaces():
        return

    def deepest() -> int:
        tree = nsview("ps", f"{prefix}-tree", "--json").json["processes"]
        return max(len(one["pids"]) for one in tree)

    wait_until(lambda: deepest() == 3)


def _no_user_namespaces() -> bool:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "unshare", "--user", "true"],
        check=False,
        capture_output=True,
    )
    return done.returncode != 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, None])
def test_they_end_with_their_maker(
    held: tuple[subprocess.Popen[str], list[str], str], number: int | None
) -> None:
    process, ids, _ = held
    assert set(ids) <= sandboxes()
    if number is None:
        process.communicate("", timeout=60)
        assert process.returncode == 0
        assert not set(ids) & sandboxes()
    else:
        process.send_signal(number)
        process.wait(PATIENCE)
    wait_until(lambda: not set(ids) & sandboxes())

    def left() -> list[str]:
        everything = leftovers(sandboxes()).values()
        return [one for kind in everything for one in kind if any(i in one for i in ids)]

    wait_until(lambda: not left())
