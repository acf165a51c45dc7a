"""What reading resources costs with many containers: ``sudo python tests/bench/live.py [500]``.

Each is a sleeping process in namespaces and in control groups of its own, named as docker names
them. Prints how much of a processor a look every two seconds takes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sleepers import sleepers
from support.processes import descendants

from nsview.host.host import Host
from nsview.kernel.cgroupfs import read_cgroupfs

_INTERVAL = 2.0
_ROUNDS = 16
_PARENT = "nsview-bench"
_CONTROLLERS = ("cpu", "memory", "pids", "io")


@contextlib.contextmanager
def containers(count: int) -> Iterator[None]:
    """So many containers, which docker seems to have made; at the end all are gone."""
    with contextlib.ExitStack() as stack:
        tops = list(_parents(stack))
        idents = [secrets.token_hex(32) for _ in range(count)]
        for top in tops:
            for ident in idents:
                (top / ident).mkdir()
                stack.callback(_remove, top / ident)
        stack.enter_context(sleepers(count, count))  # they end first
        ours = set(descendants(os.getpid()))
        found = [one for one in Host().snapshot().containers if ours.issuperset(one.members)]
        for one, ident in zip(found, idents, strict=False):
            for top in tops:
                for pid in one.members:
                    (top / ident / "cgroup.procs").write_text(str(pid))
        yield


def _parents(stack: contextlib.ExitStack) -> Iterator[Path]:
    for hierarchy in read_cgroupfs().hierarchies:
        if "cpuset" in hierarchy.options and hierarchy.version == 1:
            continue  # a new one has no processors, and nobody can join it
        top = Path(hierarchy.target, _PARENT)
        top.mkdir()
        stack.callback(top.rmdir)
        if hierarchy.version == 2:
            for directory in (top.parent, top):
                for name in _CONTROLLERS:
                    with contextlib.suppress(OSError):
                        (directory / "cgroup.subtree_control").write_text(f"+{name}")
        yield top


def _remove(directory: Path) -> None:
    # Its processes were killed a moment ago, and leave when they please.
    for _ in range(200):
        with contextlib.suppress(OSError):
            directory.rmdir()
            return
        time.sleep(0.02)


def seconds(host: Host, *, resources: bool) -> float:
    """Processor time of a look, the least of several: others disturb, nobody helps."""
    spent = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        host.snapshot(commands=True, stopped=True, traffic=True, resources=resources)
        spent.append(time.process_time() - began)
        time.sleep(0.45)
    return sum(sorted(spent)[: _ROUNDS // 2]) / (_ROUNDS // 2)


def main() -> None:
    """Measure."""
    if os.geteuid():
        sys.exit("needs root")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with containers(count):
        host = Host()
        plain, whole = (seconds(host, resources=which) for which in (False, True))
        found = host.snapshot(resources=True).resources.values()
        own = sum(one.counted == "cgroup" for one in found)
        print(f"{own} containers with control groups of their own, a look every {_INTERVAL:g} s")
        for what, cost in (("without resources", plain), ("with them", whole)):
            share = 100 * cost / _INTERVAL
            print(f"{what:<20} {1000 * cost:6.1f} ms  {share:4.1f} % of a processor")
        print(f"{'resources alone':<20} {1000 * (whole - plain):6.1f} ms  "
              f"{100 * (whole - plain) / _INTERVAL:4.1f} %   (at most 5 %)")  # fmt: skip


if __name__ == "__main__":
    main()
