"""Other programs that are asked the same."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from support.processes import wait_until


def lsns(*words: str) -> list[dict[str, Any]]:
    """The rows of lsns(8), with these options."""

    def attempt() -> bytes:
        # It gives up, with status 1, when a process vanishes while it reads it.
        command = ["lsns", "--json", *words]
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=120, check=False)
        return done.stdout if done.returncode == 0 else b""

    rows: list[dict[str, Any]] = json.loads(wait_until(attempt))["namespaces"]
    return rows
