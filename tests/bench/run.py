"""How long a sandbox takes, beside docker: ``sudo python tests/bench/run.py``.

Starts a docker daemon of its own, for it and nsview to run ``true`` of the same busybox. Prints
medians and their ratio, and the time that twenty at once take.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench import report
from programs import NSVIEW, medians

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import engines
from support.run import Run
from support.sandboxes import make_root

_MANY = 20
_ROUNDS = 7


def main() -> None:
    """Measure, and print a table."""
    with Run() as run:
        docker = engines.Docker(run)
        root = make_root(run.directory / "root")
        ours = (*NSVIEW, "run", "--rm", "--net", "none", "--rootfs", str(root), "--", "/bin/true")
        words = ("run", "--rm", "--pull=never", "--network=none", docker.image, "/bin/true")
        program = shutil.which("docker", path=run.environment["PATH"]) or "docker"
        theirs = (program, *docker.client[1:], *words)
        times = medians({"nsview": ours, "docker": theirs}, _ROUNDS)
        mine, dockers = times["nsview"], times["docker"]
        report("nsview run --rm --rootfs R --net none -- true", f"{mine:.0f} ms", "90 ms idle")
        report("docker run --rm of the same", f"{dockers:.0f} ms")
        report("ratio", f"{mine / dockers:.2f}", "0.33")
        began = time.perf_counter()
        many = [subprocess.Popen(ours) for _ in range(_MANY)]
        failed = sum(one.wait() != 0 for one in many)
        seconds = time.perf_counter() - began
        report(f"{_MANY} at once", f"{seconds:.1f} s", f"{failed} failed")


if __name__ == "__main__":
    main()
