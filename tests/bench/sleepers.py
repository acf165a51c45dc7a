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

_NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup")
#: The first process of a sandbox starts the others; a static busybox is the lightest there is.
_SCRIPT = (
    "n=$1; while [ $((n -= 1)) -gt 0 ]; do busybox sleep 100000 & done; exec busybox sleep 100000"
)
_AT_ONCE = 8


@contextlib.contextmanager
def sleepers(processes: int, sandboxes: int) -> Iterator[None]:
    """Start so many sleeping processes in so many sandboxes; at the end all are gone."""
    if processes == 0:
        yield
        return
    share = processes // sandboxes
    with Run() as run:
        tops: list[int] = []
        for _ in range(sandboxes):
            command = ("unshare", *_NAMESPACES, "--mount-proc", "--kill-child", "--")
            shell = ("busybox", "sh", "-c", _SCRIPT, "sh", str(share))
            tops.append(run.start(*command, *shell, log="sleepers.log").pid)
            wait_until(lambda: len(tops) < _AT_ONCE or _ready(tops[-_AT_ONCE], share))
        for top in tops[-_AT_ONCE:]:
            wait_until(lambda top=top: _ready(top, share))  # type: ignore[misc]
        yield


def _ready(top: int, share: int) -> bool:
    inside = children(top)
    return bool(inside) and len(children(inside[0])) == share - 1


if __name__ == "__main__":
    with sleepers(int(sys.argv[1]), int(sys.argv[2])):
        input(f"{len(os.listdir('/proc'))} entries in /proc; Enter ends them: ")
