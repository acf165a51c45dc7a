"""When a container that starts is on the screen: ``sudo python tests/bench/first_sight.py``.

``first_sight.py 10000 200``: on a host of so many processes in so many sandboxes. Starts come at
any moment between two looks, on a host that rests and on one where processes start all the time.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from programs import NSVIEW, Program, running
from sleepers import sleepers
from support.processes import read_line, started

STARTS = 24
#: In the table's title line, so it is there only once the table has been painted.
FIRST_FRAME = b"PROCS"
FORKS = (0, 50, 500)
_SETTLE_SECONDS = 6.0
_SHARE_SECONDS = 8.0
#: Seconds from the end of one to the start of the next, at most: longer than a look is away.
_PAUSE = 2.5
_PATIENCE = 10.0

#: Ends with its stdin.
_FORKING = """
import os, select, sys
pause = 1 / float(sys.argv[1])
print("ready", flush=True)
while not select.select([sys.stdin], [], [], pause)[0]:
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
"""


class Sight(NamedTuple):
    """Milliseconds from the start of a container to its line."""

    median: float
    worst: float


@contextlib.contextmanager
def forking(a_second: int) -> Iterator[None]:
    """So many processes start, execve and end every second."""
    if a_second == 0:
        yield
        return
    with started(sys.executable, "-c", _FORKING, str(a_second)) as process:
        assert read_line(process) == "ready"
        yield


def first_sight(one: Program, starts: int = STARTS) -> Sight:
    """Of containers that start one after the other, at moments that nobody has chosen."""
    chance = random.Random(1)
    took = []
    for _ in range(starts):
        one.read_for(chance.uniform(0, _PAUSE))
        took.append(_until_on_screen(one))
    return Sight(statistics.median(took), max(took))


def _until_on_screen(one: Program) -> float:
    # A name that sorts before all others, so that its line is in sight.
    with tempfile.TemporaryDirectory(prefix="nsview-bench-") as directory:
        name = f"0{secrets.token_hex(5)}"
        program = shutil.copy("/bin/sleep", Path(directory, name))
        command = ("unshare", "--mount", "--pid", "--net", "--kill-child", "--", program, "60")
        began = time.perf_counter()
        with subprocess.Popen(command) as process:
            seen = one.read_for(_PATIENCE, lambda painted: name.encode() in painted)
            took = (time.perf_counter() - began) * 1000
            process.kill()
        return took if name.encode() in seen else _PATIENCE * 1000


def main() -> None:
    """Measure."""
    processes, sandboxes = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (0, 0)
    with sleepers(processes, sandboxes), running(*NSVIEW) as one:
        one.milliseconds_until(FIRST_FRAME)
        one.read_for(_SETTLE_SECONDS)
        for rate in FORKS:
            with forking(rate):
                one.read_for(_SETTLE_SECONDS)
                share = one.cpu_share(_SHARE_SECONDS)
                median, worst = first_sight(one)
            print(f"{rate:4} forks a second: median {median:5.0f} ms, worst of {STARTS} "
                  f"{worst:5.0f} ms; CPU {share:4.1f} %", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
