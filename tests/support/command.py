"""`nsview` as people run it: a process of its own, with its stdout a pipe or a terminal."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_CHECKOUT = str(Path(__file__).parents[2])
_TIMEOUT = 120
#: As users have it: a CI's PYTHONUNBUFFERED would hide what a buffer does at the end.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    """The exit status; negative: minus the signal that ended it."""
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        """stdout as the one JSON object that it must be."""
        assert self.status == 0, self.err
        assert self.out.isascii()
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """The lines of stdout, which must be UTF-8."""
        assert self.status == 0, self.err
        return self.out.decode().splitlines()


def command(*words: str, python: str = sys.executable) -> list[str]:
    """The command line of `nsview words`."""
    return [python, "-m", "nsview", *words]


def nsview(
    *words: str, launcher: Sequence[str] = (), python: str = sys.executable, cwd: str = _CHECKOUT
) -> Done:
    """Run it with its output in pipes; `launcher` starts it. No traceback, whatever happens."""
    done = subprocess.run(
        [*launcher, *command(*words, python=python)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT,
        check=False,
        cwd=cwd,
        env=ENVIRONMENT,
    )
    err = done.stderr.decode()
    assert "Traceback" not in err, err
    return Done(done.returncode, done.stdout, err)


def nsview_on_a_terminal(*words: str, columns: int = 200) -> Done:
    """Run it with stdout and stderr a terminal: both are in `out`, lines end in ``\\r\\n``."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    process = subprocess.Popen(
        command(*words),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=_CHECKOUT,
        env=ENVIRONMENT,
    )
    os.close(theirs)
    read = b""
    with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
        while chunk := os.read(ours, 65536):
            read += chunk
    os.close(ours)
    return Done(process.wait(_TIMEOUT), read, "")


@functools.cache
def python_for_everybody() -> str:
    """An interpreter that uid 65534 may run nsview's commands with; skips the test without one."""
    for python in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run(
            # setpriv itself reaches further than what it starts.
            [*NOBODY, "env", python, "-c", "import nsview.cli.ns"],
            capture_output=True,
            check=False,
            cwd=_CHECKOUT,
        )
        if done.returncode == 0:
            return python
    pytest.skip("no Python and checkout that everybody may read")
