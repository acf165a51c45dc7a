"""Run Python as somebody without any right: uid 65534, no capability, no group."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[1]
_NEEDED = "import pytest, nsview.host.model"
_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")


def python_as_nobody(code: str, *launcher: str) -> str:
    """Run `code` with nsview and the tests in its path, after `launcher`; returns its stdout.

    Skips the test where the interpreter or the checkout is not readable for everybody.
    """
    return _run(code, *launcher, *_NOBODY)


def python_behind(code: str, *launcher: str) -> str:
    """The same as ourselves: `launcher` (unshare with options, say) starts it."""
    return _run(code, *launcher)


def _run(code: str, *launcher: str) -> str:
    path = f"import sys; sys.path[:0] = {[str(_TESTS.parent), str(_TESTS)]!r}\n"
    for attempt in (path + _NEEDED, path + code):
        done = subprocess.run(
            [*launcher, sys.executable, "-c", attempt],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and attempt.endswith(_NEEDED):
            pytest.skip(f"no Python there: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return done.stdout
