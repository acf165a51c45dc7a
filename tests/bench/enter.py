"""How fast one is inside: ``sudo python tests/bench/enter.py``, beside ``docker exec``.

Starts a Docker of its own, and runs the commands in turns, so that all see the same neighbours. It
never fails by time; the ratio, measured in one run, says more than the milliseconds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import engines
from support.run import Run

_ROUNDS = 31
_NOTHING = ("/bin/sh", "-c", ":")
#: As an installed nsview has it: compiled. The first round does that.
_ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def milliseconds(words: Sequence[str]) -> float:
    """Wall time of a command that must succeed."""
    began = time.perf_counter()
    subprocess.run(words, stdin=subprocess.DEVNULL, check=True, env=_ENVIRONMENT)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Measure."""
    program = Path(sys.executable).with_name("nsview")
    nsview = [str(program)] if program.exists() else [sys.executable, "-m", "nsview"]
    with Run() as run:
        docker = engines.Docker(run)
        one = docker.start()
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "nsview enter PID": [*nsview, "enter", str(one.pid), "--", *_NOTHING],
            "nsview enter NAME": [*nsview, "enter", one.name, "--", *_NOTHING],
            "docker exec NAME": [*docker.client, "exec", one.name, *_NOTHING],
        }
        turns = [[milliseconds(words) for words in commands.values()] for _ in range(_ROUNDS)]
    columns = [sorted(column) for column in zip(*turns[1:], strict=True)]
    load, processes = os.getloadavg()[0], sum(map(str.isdigit, os.listdir("/proc")))
    print(f"load average {load:.1f}, {os.cpu_count()} CPUs, {processes} processes")
    for name, column in zip(commands, columns, strict=True):
        print(f"{name:<28} median {statistics.median(column):6.0f} ms, best {column[0]:6.0f} ms")
    *_, by_name, theirs = (statistics.median(column) for column in columns)
    print(f"nsview enter : docker exec   {by_name / theirs:.2f}   (at most 1, and 60 ms)")


if __name__ == "__main__":
    main()
