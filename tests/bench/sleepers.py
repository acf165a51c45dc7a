"""A host with thousands of processes: cheap ones, spread over many sandboxes.

``python tests/bench/sleepers.py 5000 200`` keeps them until Enter is pressed.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.processes import children, wait_until
from support.run import Run

_SANDBOX = ("unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--mount-proc",
            "--kill-child", "--")  # fmt: skip
_OURSELVES = ("setpriv", "--pdeathsig", "KILL", "--")
#: The first process of a sandbox starts the others; a static busybox is the lightest there is.
_SCRIPT = (
    "n=$1; while [ $((n -= 1)) -gt 0 ]; do busybox sleep 100000 & done; exec busybox sleep 100000"
)
_AT_ONCE = 8


@contextlib.contextmanager
def sleepers(processes: int, sandboxes: int) -> Iterator[None]:
    """Start so many sleeping processes in so many sandboxes; at the end all are gone.

    Without sandboxes they are the host's own.
    """
    if processes == 0:
        yield
        return
    launcher = _SANDBOX if sandboxes else _OURSELVES
    share = processes // max(1, sandboxes)
    with Run() as run:
        shells: list[int] = []
        for _ in range(max(1, sandboxes)):
            shell = ("busybox", "sh", "-c", _SCRIPT, "sh", str(share))
            shells.append(run.start(*launcher, *shell, log="sleepers.log").pid)
            wait_until(lambda: len(shells) < _AT_ONCE or _ready(shells[-_AT_ONCE], share))
        for one in shells[-_AT_ONCE:]:
            wait_until(lambda one=one: _ready(one, share))  # type: ignore[misc]
        yield


def _ready(pid: int, share: int) -> bool:
    # unshare(1) stays, and has one child; a shell that was started directly has all of them.
    found = children(pid)
    return share - 1 in (len(found), len(children(found[0]) if found else ()))


if __name__ == "__main__":
    with sleepers(int(sys.argv[1]), int(sys.argv[2])):
        input(f"{len(os.listdir('/proc'))} entries in /proc; Enter ends them: ")
